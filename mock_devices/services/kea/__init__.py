"""A Kea 2.2 control agent with its DHCPv4 and DHCPv6 servers behind it."""
