"""The devices as Nornir sees them: hosts of an inventory, a connection, and tasks.

A network engineer's script and the gateway's own fleet run the same four tasks of ``tasks``.
"""
