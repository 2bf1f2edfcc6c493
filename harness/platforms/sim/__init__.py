"""A stack in virtual time: one thread, no sockets, everything from one seed."""
