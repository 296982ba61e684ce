"""Devices: which one plays a role at a site, and how a conversation with it is opened."""
