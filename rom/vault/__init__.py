"""Secrets: kept encrypted or derived, and shown to nobody who does not need them."""
