"""What published YANG modules say, and whether a profile's ``yang:`` part says the same.

Only the commands that make or check a profile need this room, and pyang with it; the gateway runs
on the part that was made.
"""
