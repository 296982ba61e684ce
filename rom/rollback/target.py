"""Where a rollback leads: the site as it was at a snapshot, before an order, or nothing at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from device_profiles.fragment import Fragment
from rom.ledger import intents, snapshots
from rom.ledger.snapshots import Sealer

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


@dataclass(frozen=True, slots=True)
class Place:
    """A device in its role for the site."""

    device: str
    role: str


def places(connection: sa.Connection, site: str) -> list[Place]:
    """Return the site's devices in the order in which a rollback changes them.

    Raises ``KeyError`` for a site that has nothing anywhere.
    """
    found = [Place(row.device, row.role) for row in intents.devices_of_site(connection, site)]
    if not found:
        raise KeyError(site)
    return sorted(found, key=lambda place: ACTIVATION.index(place.role), reverse=True)


def resolve(
    connection: sa.Connection,
    sealer: Sealer,
    site: str,
    *,
    to: int | None = None,
    before: str | None = None,
) -> Target:
    """Return the target of a rollback to a snapshot, or to before an order, or to nothing.

    Raises ``UnknownTarget``.
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
    return at_number(connection, sealer, site, number)


def at_number(connection: sa.Connection, sealer: Sealer, site: str, number: int) -> Target:
    """Return the site as it was when its snapshots had come to ``number``."""
    at = snapshots.site_at(connection, sealer, site, number)
    return Target(
        site,
        number,
        {device: found.fragments for device, found in at.items()},
        tuple(snapshots.orders_after(connection, site, number)),
    )
