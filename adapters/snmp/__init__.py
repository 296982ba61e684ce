"""SNMPv3 by pysnmp."""
