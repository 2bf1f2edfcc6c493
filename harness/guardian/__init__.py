"""Floor 2: leases on faults, the ledger on disk, and the process that heals when the harness cannot.

The guardian itself (`python -m harness.guardian`) imports as little as it can, so that it is there before anything is
broken.
"""
