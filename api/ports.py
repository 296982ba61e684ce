"""What this room asks of its settings; what it calls is ``rom.gateway.gateway.Gateway``."""

from typing import Any, Protocol

Document = dict[str, Any]
"""A TM Forum document on its way in or out."""


class ApiSettings(Protocol):
    """The settings the HTTP face reads."""

    @property
    def max_body_bytes(self) -> int:
        """Largest request body taken."""

    @property
    def base_url(self) -> str:
        """Absolute URL of this gateway without a trailing slash."""
