"""Tells who wants to know what has become of resources, within the transaction that changes them.

Inventory knows no events; whoever makes some observes the engine. Without an observer nothing is
read twice.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from inventory.listing import records_of
from inventory.records import ResourceRecord
from inventory.tables import pool, reservation, resource


class ResourceChange(NamedTuple):
    """A resource, or a site's share of a quantity, before and after; ``None`` where there is none.

    At least one of both is there, and they differ.
    """

    before: ResourceRecord | None
    after: ResourceRecord | None


class Observer(NamedTuple):
    """Who is told; ``wants_loads`` asks whether it is worth the while to compare whole pools."""

    tell: Callable[[sa.Connection, Sequence[ResourceChange]], None]
    wants_loads: Callable[[sa.Connection], bool]


_observers: WeakKeyDictionary[sa.Engine, Observer] = WeakKeyDictionary()


def observe(engine: sa.Engine, observer: Observer) -> None:
    """Tell ``observer`` of every change through ``engine`` from now on, in place of an earlier."""
    _observers[engine] = observer


@contextmanager
def of_sites(
    connection: sa.Connection, sites: Collection[str], also: Collection[UUID] = ()
) -> Iterator[None]:
    """Watch what the sites hold before and after the block, and what they are ``also`` to get.

    Nothing is told when the block raises.
    """
    held = sa.func.coalesce(reservation.c.resource_id, reservation.c.id)
    query = sa.select(held).where(reservation.c.site.in_(list(sites)))
    with _watched(connection, query, also):
        yield


@contextmanager
def of_resources(connection: sa.Connection, ids: Collection[UUID]) -> Iterator[None]:
    """Watch some resources and shares."""
    with _watched(connection, sa.select(resource.c.id).where(sa.false()), ids):
        yield


@contextmanager
def of_pools(connection: sa.Connection, names: Collection[str]) -> Iterator[None]:
    """Watch all entries of some pools, as a load may change any of them."""
    observer = _observers.get(connection.engine)
    if observer is None or not observer.wants_loads(connection):
        yield
        return
    wanted = pool.c.name == sa.any_(sa.literal(list(names), sa.ARRAY(sa.Text)))
    with _watched(connection, sa.select(resource.c.id).join_from(resource, pool).where(wanted)):
        yield


@contextmanager
def _watched(
    connection: sa.Connection, query: sa.Select[Any], also: Collection[UUID] = ()
) -> Iterator[None]:
    observer = _observers.get(connection.engine)
    if observer is None:
        yield
        return
    before = records_of(connection, set(connection.scalars(query)) | set(also))
    yield
    ids = {UUID(found) for found in before} | set(connection.scalars(query))
    after = records_of(connection, ids)
    changes = [
        ResourceChange(before.get(found), after.get(found))
        for found in sorted({*before, *after})
        if before.get(found) != after.get(found)
    ]
    if changes:
        observer.tell(connection, changes)
