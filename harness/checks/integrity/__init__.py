"""The predicates of order integrity (O1 to O16), one a file."""
