"""Floor 1: the description of a system under test, read from its compose file, and the adapter's contract."""
