"""Floor 0: files that people write, read into nodes that know their places, and models with every mistake at once."""
