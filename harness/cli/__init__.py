"""Floor 5: the command line. One command a file; each is imported when it is called."""
