"""The venue: a deterministic matching state machine over the replicated journal's commands."""
