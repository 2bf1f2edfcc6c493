"""Reads what a stack says of itself while it runs, and what its replicas and accounts hold at the end."""
