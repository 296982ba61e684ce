"""Drift: what sites should have against what devices hold, over the whole fleet."""
