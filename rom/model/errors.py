"""What can be refused, be missing or go wrong, in the words that every face passes on.

::

    RomError
    ├── Invalid                     it breaks a rule; the same again is refused again
    │   ├── OrderRefused            an order or a cancellation; names the field
    │   ├── PatchRefused            a patch that is malformed or does not fit
    │   │   └── PatchTestFailed     its test found another value
    │   ├── ChangeRefused           an attribute of a resource that clients may not set so
    │   ├── DocumentRefused         a TMF634 document that is no specification
    │   ├── SearchRefused           a filter that the database cannot answer
    │   ├── CallbackRefused         a listener's URL that is not allowed
    │   ├── BadQuery                a listener's query that is not understood
    │   ├── InventoryRefused        an inventory file, with every finding
    │   ├── NotABoundary            a rollback's target in the middle of an order
    │   └── Misconfigured           a setting, or a file that a setting names
    ├── OutOfScope                  beyond the client's limits, or not there: which is not said
    ├── NotFound
    │   ├── UnknownTarget           no such place to roll a site back to
    │   └── Unknown                 nothing has this identifier
    │       └── UnknownOrder, UnknownItem, UnknownCancellation, UnknownSite, UnknownRollback,
    │           UnknownDevice, UnknownResource, UnknownSpecificationId, UnknownListener,
    │           UnknownDeadLetter
    ├── Conflict                    not in the present state
    │   ├── KeyReused               an Idempotency-Key that came with another body before
    │   ├── IllegalTransition       a change of state that the life does not draw
    │   ├── StaleState              somebody else was faster
    │   ├── NotPossible             the order's or item's state does not let it happen
    │   ├── CancelImpossible        the order cannot be cancelled as asked
    │   ├── NotEnough               a pool has too little left
    │   ├── SpecificationInUse      a specification that sites or orders need
    │   ├── DuplicateListener       the same callback and query are there
    │   ├── TooManyListeners        the bound on listeners is reached
    │   ├── RollbackOpen            the site has a rollback under way
    │   ├── OrderUnderWay           an order of the site is not final
    │   ├── TargetGone              the target needs what has been given back
    │   ├── PreviewDiffers          a rollback would do something else than was shown
    │   └── RollbackConflicts       the policy does not let the rollback go
    └── Unavailable                 nothing is wrong with what was asked
        ├── DevicesBusy             devices have not taken a change in time
        ├── DeviceFailed            a device failed; the code is the adapter's
        └── DatabaseUnavailable     PostgreSQL does not run or does not answer

``api.errors`` has the one table from these classes to HTTP, ``api.cli.exits`` that to exit codes.
What rom itself catches (``FencedOff``, ``AlreadyOpen``, the catalog's errors) is no part of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


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

    def __init__(self, field: str, reason: str, mends: Sequence[str], text: str) -> None:
        self._text = text
        super().__init__(reason, field=field, mend="\n".join(mends))

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


class NotFound(RomError, LookupError):
    """There is no such thing."""

    code = "notFound"
    field = "id"


class UnknownTarget(NotFound):
    """The site has no such snapshot, or the order has changed nothing there."""

    field = "target"
    mend = "List the site's snapshots and orders, and name one of them"


class Unknown(NotFound):
    """Nothing of this kind has the identifier; what a client may not see is answered the same."""

    kind: ClassVar[str] = "thing"
    """The collection's name in the interfaces."""

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        super().__init__(
            f"there is no {self.kind} '{identifier}'",
            mend=f"List what there is with GET on the {self.kind} collection",
        )


class UnknownOrder(Unknown):
    """No order has this id."""

    kind = "resourceOrder"


class UnknownItem(Unknown):
    """The order has no item of this id."""

    kind = "orderItem"


class UnknownCancellation(Unknown):
    """No cancellation has this id."""

    kind = "cancelResourceOrder"


class UnknownSite(Unknown):
    """No site has this key, or the gateway has nothing at it."""

    kind = "site"


class UnknownRollback(Unknown):
    """No rollback task has this id."""

    kind = "siteRollback"


class UnknownDevice(Unknown):
    """No device has this name."""

    kind = "device"


class UnknownResource(Unknown):
    """No resource has this id."""

    kind = "resource"


class UnknownSpecificationId(Unknown):
    """No specification has this id, or not in the version asked for."""

    kind = "resourceSpecification"


class UnknownListener(Unknown):
    """No listener has this id at the hub."""

    kind = "hub"


class UnknownDeadLetter(Unknown):
    """No dead letter has this number, or none matches."""

    kind = "deadLetter"


class Conflict(RomError):
    """It is not possible in the present state of what it is about."""

    code = "conflict"


class KeyReused(Conflict):
    """The Idempotency-Key belongs to another body."""

    code = "idempotencyKeyReused"
    field = "Idempotency-Key"
    mend = "Send a new key with a new order"

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} was sent with another body before")


class IllegalTransition(Conflict, ValueError):
    """A change of state that the table of its life does not draw."""

    code = "illegalTransition"
    field = "state"
    mend = "See the lifecycle"

    def __init__(self, kind: str, old: str, new: str) -> None:
        self.kind = kind
        self.old = old
        self.new = new
        article = "an" if kind[0] in "aeiou" else "a"
        super().__init__(f"{article} {kind} cannot go from {old} to {new}")


class StaleState(Conflict):
    """The item was no longer in the state that the caller had read."""

    code = "staleState"
    field = "state"
    mend = "Read it again and repeat"


class NotPossible(Conflict):
    """The order or item is not in a state for this; ``mend`` says what is possible instead."""

    code = "notPossible"

    def __init__(self, code: str, reason: str, mend: str) -> None:
        super().__init__(reason, mend=mend, code=code)


class CancelImpossible(Conflict):
    """The order cannot be cancelled as asked."""

    code = "cancelImpossible"
    field = "resourceOrder"

    def __init__(self, code: str, reason: str, mend: str) -> None:
        super().__init__(reason, mend=mend, code=code)


class NotEnough(Conflict):
    """A pool has less left than is needed; nothing was reserved."""

    code = "resourceExhausted"


class SpecificationInUse(Conflict):
    """It cannot be withdrawn, or its version not made again; the reason says who uses it."""

    code = "specificationInUse"
    field = "id"
    mend = "Retire it with lifecycleStatus, or make another version"


class DuplicateListener(Conflict):
    """The same callback with the same query is registered at this hub already."""

    code = "duplicateListener"
    field = "callback"
    mend = "Go on with that listener, or remove it first"


class TooManyListeners(Conflict):
    """Each listener has connections of its own, so their number is bounded."""

    code = "tooManyListeners"
    field = "callback"
    mend = "Remove a listener, or raise ROM_LISTENERS_MOST"


class RollbackOpen(Conflict):
    """The site has a rollback under way already."""

    code = "rollbackUnderWay"
    field = "site"
    mend = "Wait until that one is final"


class OrderUnderWay(Conflict):
    """An order of the site is not final yet; what it still does would undo the rollback."""

    code = "orderUnderWay"
    field = "site"
    mend = "Wait until the order is final, or cancel it first"


class TargetGone(Conflict):
    """The site has given back since then what the target needs."""

    code = "targetGone"
    field = "site"
    mend = "Order the site again; its former resources are given back"


class PreviewDiffers(Conflict):
    """A rollback would do something else than was shown; ``preview`` is what it would do now."""

    code = "previewDiffers"
    field = "hash"
    mend = "Look at preview, and ask again with its hash"

    def __init__(self, preview: Mapping[str, Any]) -> None:
        self.preview = preview
        super().__init__("what would be done is not what the preview with this hash has shown")

    @property
    def details(self) -> Mapping[str, Any]:
        """The preview as it is now."""
        return {"preview": self.preview}


class RollbackConflicts(Conflict):
    """The policy does not let the rollback go; ``conflicts`` says where and why."""

    code = "rollbackConflicts"
    field = "policy"
    mend = "Look at conflicts; then ask with policy keep, or force with a reason"

    def __init__(self, conflicts: Sequence[Mapping[str, Any]]) -> None:
        self.conflicts = list(conflicts)
        first = conflicts[0]
        super().__init__(f"{first['device']}: {first['kind']} at {first['path']}")

    @property
    def details(self) -> Mapping[str, Any]:
        """The whole list."""
        return {"conflicts": self.conflicts}


class Unavailable(RomError):
    """It cannot be done now, though nothing is wrong with what was asked."""

    code = "unavailable"
    mend = "Try again later"


class DevicesBusy(Unavailable):
    """Devices have not taken a change within the time a caller waits."""

    code = "devicesBusy"
    field = "site"
    mend = "The change stays queued and is brought out when the device can be reached"


class DeviceFailed(Unavailable):
    """A device does not answer as it must; ``code`` is the adapter's reason."""

    code = "DEVICE_REFUSED"
    field = "site"


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not run here or does not answer; the reason says why and what to do."""

    code = "databaseAway"
