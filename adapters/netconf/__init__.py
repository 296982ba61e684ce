"""NETCONF (RFC 6241) over SSH by ncclient."""
