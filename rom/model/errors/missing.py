"""What is not there."""

from typing import ClassVar

from rom.model.errors.root import RomError


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


class UnknownSecret(Unknown):
    """No secret was entered under this name."""

    kind = "secrets"


class UnknownDeed(Unknown):
    """The trail has no entry in this place."""

    kind = "audit"


class UnknownListener(Unknown):
    """No listener has this id at the hub."""

    kind = "hub"


class UnknownDeadLetter(Unknown):
    """No dead letter has this number, or none matches."""

    kind = "deadLetter"
