"""A site's history: which orders and ways back have changed it, and between which it may go back.

Orders are told by their items, for one that sends nothing makes no snapshot. Snapshots say where
each of them begins and ends. A number within one of them would leave half of an order. Pure.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from rom.model.order import Action, Item
from rom.model.order_states import ItemState
from rom.model.snapshot import Moment, SnapshotEntry

Place = tuple[int, float]
"""A place in the history: a snapshot's number; behind that snapshot, the time as well."""
_JUST_BEHIND = 1e-9


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A finished way back: a rollback, or a cancellation with compensation."""

    id: str
    orders: frozenset[str]
    """The orders of which it has left nothing at the site."""
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Episode:
    """What one order, or one way back, has changed at a site."""

    id: str
    begins: Place
    """The first place where something of it shows."""
    ends: Place
    """The first place where all of it shows."""
    is_order: bool = False
    stands: bool = False
    """An order of which the site still has something."""
    deletes: bool = False
    """An order that has given resources back."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is not kept any more of a site's history."""

    kept_from: int = 0
    """The first snapshot that the site may go back to; 0 while all are kept."""
    orders: frozenset[str] = frozenset()
    """Orders that had ended by then."""


@dataclass(frozen=True)
class History:
    """The episodes of a site, from the first to the last."""

    numbers: tuple[int, ...]
    """The site's snapshots."""
    episodes: tuple[Episode, ...]
    ways_back: tuple[TakenBack, ...] = ()
    times: tuple[datetime, ...] = ()
    """When the snapshots were taken."""
    kept_from: int = 0
    """The first snapshot that the site may go back to; 0 while all are kept."""
    planned: int = 0
    """The last snapshot of a service planned anew because inventory had changed; 0 for none."""

    def is_forgotten(self, place: Place) -> bool:
        """Tell whether nobody knows any more how the site was at a place.

        Before everything it had nothing, and that is always known.
        """
        return (0, 0) < place < self.behind(self.kept_from)

    def order(self, order_id: str) -> Episode | None:
        """Return the episode of an order, ``None`` when it has come to nothing at the site."""
        return next((e for e in self.episodes if e.is_order and e.id == order_id), None)

    def inside(self, place: Place) -> Episode | None:
        """Return the episode that has begun before a place and not ended, if there is one."""
        return next((e for e in self.episodes if e.begins < place <= e.ends), None)

    def behind(self, number: int) -> Place:
        """Return the place from which on nothing had happened when a snapshot was taken.

        Numbers are counted over all sites: between two of this one's it is the earlier's.
        """
        return (max((n for n in self.numbers if n <= number), default=0), _JUST_BEHIND)

    def number_at(self, time: datetime) -> int:
        """Return the last snapshot taken by then; 0 where there was none yet."""
        return int(_moment(self.numbers, self.times, time)[0])

    def is_boundary(self, number: int) -> bool:
        """Tell whether the site was whole when its snapshots had come to ``number``."""
        return self.inside(self.behind(number)) is None

    def nearest(self, number: int) -> tuple[int, int | None]:
        """Return the boundaries around a snapshot; 0 is before everything."""
        found = [0, *(each for each in self.numbers if self.is_boundary(each))]
        above = [each for each in found if each > number]
        return max(each for each in found if each < number or each == 0), min(above, default=None)

    def standing_from(self, place: Place) -> tuple[str, ...]:
        """Return the orders that begin at a place or later and that nobody has taken back yet."""
        return tuple(e.id for e in self.episodes if e.stands and e.begins >= place)

    def gone_since(self, place: Place) -> tuple[str, str] | None:
        """Return an order that shows at a place and was taken back since, with what has done it."""
        shown = {e.id for e in self.episodes if e.is_order and e.begins < place}
        for way in self.ways_back:
            if _moment(self.numbers, self.times, way.began) >= place:
                for order_id in sorted(way.orders & shown):
                    return order_id, way.id
        return None

    def deleted_since(self, place: Place) -> str | None:
        """Return an order that has given something back since a place."""
        return next((e.id for e in self.episodes if e.deletes and e.begins >= place), None)


def history(
    entries: Sequence[SnapshotEntry],
    items: Iterable[Item],
    ways_back: Sequence[TakenBack],
    forgotten: Forgotten = Forgotten(),
) -> History:
    """Put a site's history together from its snapshots, its items and its finished ways back."""
    numbers = tuple(entry.number for entry in entries)
    # Writers of several devices may commit in another order than they took their numbers in.
    times = tuple(accumulate((entry.time for entry in entries), max))
    changed = [entry for entry in entries if entry.moment is Moment.AFTER]
    by_order: dict[str, list[Item]] = {}
    for item in items:
        by_order.setdefault(item.order_id, []).append(item)
    taken_back = {order_id for way in ways_back for order_id in way.orders}
    found = []
    for order_id, own in by_order.items():
        gone = order_id in forgotten.orders
        shown = [entry.number for entry in changed if entry.order_id == order_id and not gone]
        done = [item for item in own if item.state is ItemState.COMPLETED]
        if not shown and not done and not gone:
            continue
        ended = _moment(numbers, times, max(item.updated_at for item in done or own))
        if gone:
            ended = (forgotten.kept_from, 0)
        begins, ends = _extent(shown) or (ended, ended)
        found.append(
            Episode(
                order_id,
                begins,
                ends,
                is_order=True,
                stands=order_id not in taken_back,
                deletes=any(item.action is Action.DELETE for item in done),
            )
        )
    for way in ways_back:
        extent = _extent(
            entry.number
            for entry in changed
            if entry.order_id is None and way.began <= entry.time <= way.ended
        )
        if extent is not None:
            found.append(Episode(way.id, *extent))
    found.sort(key=lambda episode: episode.begins)
    planned = [entry.number for entry in entries if entry.moment is Moment.PLANNED]
    return History(
        numbers,
        tuple(found),
        tuple(ways_back),
        times,
        forgotten.kept_from,
        max(planned, default=0),
    )


def _extent(numbers: Iterable[int]) -> tuple[Place, Place] | None:
    known = sorted(numbers)
    return ((known[0], 0), (known[-1], 0)) if known else None


def _moment(numbers: Sequence[int], times: Sequence[datetime], time: datetime) -> Place:
    """Return the place of what has made no snapshot: behind the last one taken by then."""
    known = bisect_right(times, time)
    return (numbers[known - 1] if known else 0, time.timestamp())
