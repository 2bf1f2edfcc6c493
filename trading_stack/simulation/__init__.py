"""The protocol in virtual time: the very replicas and sentinels of the services, in a world drawn from one seed.

Time is the world's own, in integer nanoseconds. A `Schedule` says what goes wrong, `run` plays it and judges each step,
`shrunk` makes it small. Nothing here reads a clock, opens a socket or depends on the order of a set.
"""
