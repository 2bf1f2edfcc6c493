"""Commands of administrators: signed, single use, expiring, bound to the cluster, and audited, accepted or not.

An administrator asks each service that shall act for a *challenge*, names them all in one command, signs it, and sends
it to each. A service acts when it knows the administrator's key, the command names this cluster, and the challenge is
one that this very service issued, in this life, for the epoch that it still is in, not long ago by its own monotonic
clock, and not yet used. So no two clocks need to agree; a command that was recorded is worth nothing a second time, at
another service, or after a restart; and one service that was broken into can't pass an order on to the others. That a
challenge is used is on disk, in the audit file, before the command is acted on.
"""
