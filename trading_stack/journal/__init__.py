"""The replicated journal: a pure protocol core, and the durable store beneath it.

Raft's log rules with one change: sentinels decide *when* to elect, the journal's majority *whether it is safe*.
Source: D. Ongaro and J. Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014), sections 5 and 8;
recovery of wiped stores after B. Liskov and J. Cowling, "Viewstamped Replication Revisited" (2012), section 4.3.
"""
