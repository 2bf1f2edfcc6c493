"""Histories written by hand, and mistakes planted into them: for explaining predicates, and for testing them."""
