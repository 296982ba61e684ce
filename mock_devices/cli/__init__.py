"""Simulated devices that are managed by command line over SSH, in the manner of Cisco IOS."""
