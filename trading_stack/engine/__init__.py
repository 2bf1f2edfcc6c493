"""The engine service: a replica of the journal, the venue applied from it, and its shells."""
