"""Floor 1: the scenario file format, from a person's YAML to a frozen `Scenario`."""
