"""Where a rollback leads: to a boundary of orders, to before an order, or to nothing at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from device_profiles.fragment import Fragment
from rom.model.errors import NotABoundary, TargetGone, UnknownTarget
from rom.model.snapshot import Sealer
from rom.store import site_secrets, snapshots
from rom.store.database import Connection
from rom.undo.history import History, Place
from rom.undo.standing import history_of


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


def resolve(
    connection: Connection,
    sealer: Sealer,
    site: str,
    *,
    to: int | None = None,
    before: str | None = None,
) -> Target:
    """Return the target of a rollback to a snapshot, or to before an order, or to nothing.

    What is taken back are all orders that begin there or later and that nobody has taken back
    yet, whether or not they have sent anything. Raises ``UnknownTarget``, ``NotABoundary``, and
    ``TargetGone`` for one whose resources are given back.
    """
    known = history_of(connection, site)
    place = _place(known, site, to, before)
    _refuse_what_is_forgotten(known, place)
    number = place[0] if place[1] else max(0, place[0] - 1)
    inside = known.inside(place)
    if inside is not None:
        below, above = known.nearest(number)
        raise NotABoundary(
            "to" if before is None else "before",
            f"{'order' if inside.is_order else 'rollback or cancellation'} {inside.id}",
            below,
            above,
        )
    fragments = at_number(connection, sealer, site, number)
    if any(fragments.values()):
        _refuse_what_is_gone(known, place)
        _refuse_what_inventory_denies(known, number)
    return Target(site, number, fragments, known.standing_from(place))


def _place(known: History, site: str, to: int | None, before: str | None) -> Place:
    if before is not None:
        episode = known.order(before)
        if episode is None:
            message = f"order {before} has changed nothing at site {site}"
            raise UnknownTarget(message)
        return episode.begins
    if to and to not in known.numbers:
        message = f"site {site} has no snapshot {to}"
        raise UnknownTarget(message)
    return known.behind(to) if to else (0, 0)


def _refuse_what_is_forgotten(known: History, place: Place) -> None:
    if known.is_forgotten(place):
        message = f"how the site was before snapshot {known.kept_from} is not kept any more"
        mend = f"Go back to snapshot {known.kept_from} or a later boundary, or to 0"
        raise TargetGone(message, mend=mend)


def _refuse_what_is_gone(known: History, place: Place) -> None:
    gone = known.gone_since(place)
    if gone is not None:
        message = f"order {gone[0]}, which it shows, was taken back by {gone[1]}"
        raise TargetGone(message)
    deleted = known.deleted_since(place)
    if deleted is not None:
        message = f"order {deleted} has deleted something since and given its resources back"
        raise TargetGone(message)


def _refuse_what_inventory_denies(known: History, number: int) -> None:
    if number < known.planned:
        message = (
            f"inventory was changed under the site since snapshot {number}, "
            "and its services were planned anew"
        )
        mend = f"Go back to snapshot {known.planned} or a later boundary, or to 0"
        raise TargetGone(message, mend=mend)


def at_number(
    connection: Connection, sealer: Sealer, site: str, number: int
) -> dict[str, Mapping[str, Fragment]]:
    """Return what the site wanted, by device, when its snapshots had come to ``number``."""
    at = snapshots.site_at(connection, sealer, site, number)
    replaced = site_secrets.in_force(connection, [site]).get(site, {})
    # A way back leads to no former value of a secret.
    return {device: site_secrets.renamed(found.fragments, replaced) for device, found in at.items()}
