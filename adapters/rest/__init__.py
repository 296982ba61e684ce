"""The logistics service over HTTP."""
