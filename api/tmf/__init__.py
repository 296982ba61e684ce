"""TM Forum interfaces, below ``/tmf-api``."""
