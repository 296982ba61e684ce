"""Simulated network: strict, stateful devices that know nothing of the gateway."""
