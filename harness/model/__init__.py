"""Floor 0: units, ids, typed events, verdicts, errors. Data without behaviour, and the arithmetic of shares."""
