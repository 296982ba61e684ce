"""What is not possible in the present state."""

from collections.abc import Mapping, Sequence
from typing import Any

from rom.model.errors.root import RomError


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


class SecretInUse(Conflict):
    """Devices name the secret; without it they could not be reached any more."""

    code = "secretInUse"
    field = "name"
    mend = "Let them name another one first"

    def __init__(self, name: str, devices: Sequence[str]) -> None:
        super().__init__(f"{name} is named by {', '.join(devices)}")


class HostKeyDiffers(Conflict):
    """A device shows another host key than the one that was seen, or than the one pinned."""

    code = "hostKeyDiffers"
    field = "fingerprint"
    mend = "Find out why before anything else; a device that was replaced needs replace and reason"


class CredentialRefused(Conflict):
    """Devices do not let the gateway in with the new value; the former one stays."""

    code = "credentialRefused"
    field = "value"
    mend = "Set it on the devices first, or give what they take"


class RepairOverwrites(Conflict):
    """A repair would replace what somebody else has set, and nobody has said why."""

    code = "repairOverwrites"
    field = "reason"
    mend = "Look at what a dry run of the repair shows; then ask again with a reason"

    def __init__(self, paths: Mapping[str, Sequence[str]]) -> None:
        self.paths = {device: list(found) for device, found in paths.items()}
        device, (first, *_) = next(iter(paths.items()))
        super().__init__(f"somebody else has set {first} on {device} since")

    @property
    def details(self) -> Mapping[str, Any]:
        """Every path, by device."""
        return {"overwrites": self.paths}


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
