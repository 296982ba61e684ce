"""Where a rollback leads: the site as it was at a snapshot, before an order, or nothing at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from device_profiles.fragment import Fragment
from inventory import queries
from rom.model.intent import Place
from rom.model.snapshot import Sealer
from rom.store import intents, snapshots
from rom.store.database import Connection
from rom.undo import standing

# Order of activation; the way back goes through it in reverse.
ACTIVATION = ("logistics", "access", "bng", "dhcp4", "dhcp6", "radius", "ce", "probe", "agent")


class UnknownTarget(LookupError):
    """The site has no such snapshot, or the order has changed nothing there."""


@dataclass(frozen=True, slots=True)
class Target:
    """What each device of the site should hold for it, and which orders that takes back."""

    site: str
    number: int
    """The snapshot's number; 0 stands for before everything."""
    fragments: Mapping[str, Mapping[str, Fragment]] = field(default_factory=dict)
    """By device and item key; a device that is absent shall hold nothing of the site."""
    orders: tuple[str, ...] = ()

    def wanted(self, device: str) -> Mapping[str, Fragment]:
        """Return the fragments for a device."""
        return self.fragments.get(device, {})


def places(connection: Connection, site: str) -> list[Place]:
    """Return the site's devices in the order in which a rollback changes them.

    A device on which an earlier rollback has left something is one of them, also without an
    intent. Empty for a site that has nothing anywhere; raises ``KeyError`` for an unknown one.
    """
    roles = {place.device: place.role for place in snapshots.left_over(connection, site)}
    roles |= {place.device: place.role for place in intents.devices_of_site(connection, site)}
    if not roles and not queries.site_exists(connection, site):
        raise KeyError(site)
    found = [Place(device, role) for device, role in sorted(roles.items())]
    return sorted(found, key=lambda place: activated(place.role), reverse=True)


def activated(role: str) -> int:
    """Return a role's place in the order of activation; one that it does not name comes last."""
    return ACTIVATION.index(role) if role in ACTIVATION else len(ACTIVATION)


def resolve(
    connection: Connection,
    sealer: Sealer,
    site: str,
    *,
    to: int | None = None,
    before: str | None = None,
) -> Target:
    """Return the target of a rollback to a snapshot, or to before an order, or to nothing.

    Raises ``UnknownTarget``, and ``standing.TargetGone`` for one whose resources are given back.
    """
    if to is not None:
        if to not in {entry.number for entry in snapshots.entries(connection, site)}:
            message = f"site {site} has no snapshot {to}"
            raise UnknownTarget(message)
        number = to
    elif before is not None:
        first = snapshots.first_of_order(connection, site, before)
        if first is None:
            message = f"order {before} has changed nothing at site {site}"
            raise UnknownTarget(message)
        # The first snapshot of an order is the one taken before its first change.
        number = first - 1
    else:
        number = 0
    target = at_number(connection, sealer, site, number)
    if any(target.fragments.values()):
        standing.refuse_what_is_gone(connection, site, number)
    return target


def at_number(connection: Connection, sealer: Sealer, site: str, number: int) -> Target:
    """Return the site as it was when its snapshots had come to ``number``."""
    at = snapshots.site_at(connection, sealer, site, number)
    return Target(
        site,
        number,
        {device: found.fragments for device, found in at.items()},
        tuple(snapshots.orders_after(connection, site, number)),
    )
