"""Proof: operational checks, measurement, and the service check before a confirm."""
