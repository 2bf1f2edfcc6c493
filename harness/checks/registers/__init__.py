"""Operations on registers, key by key, and whether they fit one order."""
