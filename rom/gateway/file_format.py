"""What an inventory file looks like, for whoever prints it; needs no database."""

from rom.catalog.reference import inventory_reference

__all__ = ["inventory_reference"]
