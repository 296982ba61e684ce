"""Plays the service order manager: orders in waves, each let go by events alone."""
