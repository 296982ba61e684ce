"""Southbound: one module a protocol, all behind the seam in ``adapters.seam``."""
