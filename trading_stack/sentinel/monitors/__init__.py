"""What a sentinel makes of the figures in a primary's heartbeats: one monitor a file, judged together by the panel."""
