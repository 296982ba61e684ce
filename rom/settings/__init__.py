"""Settings of the gateway, from ``ROM_*`` environment variables."""

from rom.settings.gateway import Settings, default_data_dir

__all__ = ["Settings", "default_data_dir"]
