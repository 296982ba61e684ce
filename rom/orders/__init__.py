"""The order as TMF652 v4 means it: reading, judging, its states, and its answers and events."""
