"""Settings of the gateway: ``ROM_*`` variables, and the file ``rom.toml`` behind them."""

from rom.settings.gateway import Settings, default_data_dir

__all__ = ["Settings", "default_data_dir"]
