"""The root of the tree of errors."""

from collections.abc import Mapping
from typing import Any


class RomError(Exception):
    """Anything that a face may have to tell: what (``code``), where, why, and how to mend it.

    ``code`` is for programs, ``field`` the member, parameter or setting at fault, as a path such as
    ``orderItem[2].action``; empty where there is none. ``mend`` is a sentence for the caller.
    """

    code: str = "failed"
    field: str = ""
    mend: str = ""

    def __init__(
        self,
        reason: str,
        *,
        field: str | None = None,
        mend: str | None = None,
        code: str | None = None,
    ) -> None:
        self.reason = reason
        if field is not None:
            self.field = field
        if mend is not None:
            self.mend = mend
        if code is not None:
            self.code = code
        super().__init__(reason)

    @property
    def told(self) -> str:
        """Field and reason in one line."""
        return f"{self.field}: {self.reason}" if self.field else self.reason

    @property
    def details(self) -> Mapping[str, Any]:
        """What belongs into an answer besides, by its name there."""
        return {}
