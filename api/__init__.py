"""Every face outward: HTTP interfaces and the ``rom`` command line."""
