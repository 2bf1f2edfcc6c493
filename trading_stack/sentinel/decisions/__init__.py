"""The log of everything that one sentinel was told and decided, from which its decisions can be made again."""
