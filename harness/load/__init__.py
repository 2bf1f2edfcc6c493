"""Order-flow model, Locust driver, prober: what clients do to a stack, and what they saw."""
