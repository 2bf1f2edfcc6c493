"""The predicates of pricing consistency (P1, P2, P3, P10, P11), one a file."""
