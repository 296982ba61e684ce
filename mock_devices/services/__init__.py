"""Services beside the network devices: DHCP, RADIUS, logistics, trap receiver."""
