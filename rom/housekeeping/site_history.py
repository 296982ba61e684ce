"""How far back a site's history is kept.

A boundary that a rollback may still lead to is kept while it is younger than so many days, or while
no more than so many orders and ways back have come since. What was before the earliest of those is
asked for by nobody, and "before everything" is known without snapshots.
"""

from datetime import UTC, datetime, timedelta

from rom.store import retention
from rom.store.database import Engine
from rom.undo.history import History
from rom.undo.standing import history_of


def kept_from(known: History, since: datetime, most: int) -> int | None:
    """Return the first snapshot that stays, ``None`` while the site has been whole at none. Pure.

    Boundaries over which it comes to the same orders count as one. The latest boundary stays in
    any case. What a later rollback, cancellation or delete has made impossible as a target does
    not count.
    """
    boundaries = [number for number in known.numbers if known.is_boundary(number)]
    if not boundaries:
        return None
    targets = [
        number
        for number in boundaries
        if known.gone_since(known.behind(number)) is None
        and known.deleted_since(known.behind(number)) is None
    ]
    taken = dict(zip(known.numbers, known.times, strict=True))
    begun = {
        number: sum(each.begins < known.behind(number) for each in known.episodes)
        for number in targets
    }
    latest = sorted(set(begun.values()))[-most - 1 :]
    kept = [n for n in targets if begun[n] in latest or taken[n] >= since]
    return min([*kept, boundaries[-1]])


def forget(engine: Engine, site: str, days: float, most: int) -> int:
    """Delete what is not kept of the site's history; return how many snapshots went.

    Nothing goes while an order of the site is not final, or a way back is under way.
    """
    with engine.begin() as connection:
        retention.looked_at(connection, site)
        if not retention.may_forget(connection, site):
            return 0
        known = history_of(connection, site)
        first = kept_from(known, datetime.now(UTC) - timedelta(days=days), most)
        if first is None or first <= known.kept_from:
            return 0
        ended = frozenset(
            episode.id
            for episode in known.episodes
            if episode.is_order and episode.ends <= known.behind(first)
        )
        return retention.forget_before(connection, site, first, ended)
