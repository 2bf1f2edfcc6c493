"""How good a failure detector is: its time of detection against its mistakes, over simulated and recorded heartbeats."""
