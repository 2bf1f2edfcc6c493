"""The reference stack in virtual time: thin shells around the very protocol objects that its services run."""
