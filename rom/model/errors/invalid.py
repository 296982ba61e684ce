"""What breaks a rule, or lies beyond the client's limits: the same again is refused again."""

from collections.abc import Mapping, Sequence
from typing import Any

from rom.model.errors.root import RomError


class Invalid(RomError, ValueError):
    """What was asked for breaks a rule."""

    code = "invalidValue"


class OrderRefused(Invalid):
    """An order that breaks a rule: where, why, and what to send instead."""

    code = "invalidOrder"

    def __init__(self, field: str, reason: str, mend: str) -> None:
        super().__init__(reason, field=field, mend=mend)

    @property
    def told(self) -> str:
        """Field and reason; without a field it is the whole body."""
        return f"{self.field or 'body'}: {self.reason}"

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}; {self.mend}" if self.field else (
            f"{self.reason}; {self.mend}"
        )  # fmt: skip


class PatchRefused(Invalid):
    """A patch that is malformed or does not fit; the reason says where."""

    code = "invalidPatch"
    field = "body"
    mend = "Send a merge patch (RFC 7396) or a JSON Patch (RFC 6902) that fits what is there"


class PatchTestFailed(PatchRefused):
    """A ``test`` operation found another value: the document is not what the sender thinks."""

    code = "patchTestFailed"
    mend = "Read it again and repeat"


class ChangeRefused(Invalid):
    """A change of a resource that a client may not make; names the attribute."""

    def __init__(self, field: str, reason: str, mend: str) -> None:
        super().__init__(reason, field=field, mend=mend)


class DocumentRefused(Invalid):
    """A TMF634 document that is no specification; names the attribute."""

    mend = "See docs/adding-a-product.md for what may be said"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason, field=field)


class SearchRefused(Invalid):
    """A filter that the database cannot answer, or not in time."""

    code = "invalidQuery"
    field = "query"
    mend = "Ask for less, or more narrowly"


class CallbackRefused(Invalid):
    """A callback that is not allowed, or whose name has no address now."""

    code = "callbackRefused"
    field = "callback"
    mend = "Give a URL the operator allows with ROM_CALLBACK_ALLOW"


class BadQuery(Invalid):
    """A listener's query that is not understood; ``part`` is the piece at fault."""

    code = "invalidQuery"
    field = "query"
    mend = "Write eventType=A,B or event.resourceOrder.state=completed, joined by &"

    def __init__(self, part: str, text: str) -> None:
        self.part = part
        super().__init__(f"{part!r} {text}")


class InventoryRefused(Invalid):
    """An inventory file that was refused; nothing was written. Its text has every finding."""

    code = "inventoryRefused"

    def __init__(
        self,
        field: str,
        reason: str,
        mends: Sequence[str],
        text: str,
        problems: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._text = text
        self.problems = tuple(problems)
        super().__init__(reason, field=field, mend="\n".join(mends))

    @property
    def details(self) -> Mapping[str, Any]:
        """Every finding with its place, for programs."""
        return {"problems": list(self.problems)}

    def __str__(self) -> str:
        return self._text


class Misconfigured(Invalid):
    """A setting that cannot be used, or a file that one names; ``field`` is the setting."""

    code = "misconfigured"

    def __str__(self) -> str:
        return f"setting {self.told}" if self.field else self.reason


class NotABoundary(Invalid):
    """A rollback's target within an order, or within a way back: the site would be half of one."""

    code = "notABoundary"
    mend = "Choose a snapshot of the site that is marked as a boundary"

    def __init__(self, field: str, within: str, below: int, above: int | None) -> None:
        nearest = f"boundary is {below}" if above is None else f"boundaries are {below} and {above}"
        super().__init__(f"this lies within {within}; the nearest {nearest}", field=field)


class OutOfScope(RomError):
    """A request names something beyond its client's limits, or nothing at all: which is not said.

    ``field`` is the member that names it.
    """

    code = "forbidden"
    mend = "Name what belongs to this client"

    def __init__(self, field: str, identifier: str) -> None:
        self.identifier = identifier
        super().__init__(f"{identifier!r} is not within this client's limits", field=field)

    def __str__(self) -> str:
        return self.told
