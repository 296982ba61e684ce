"""Runs the gateway, and the simulated lab beside it, as one supervised process."""
