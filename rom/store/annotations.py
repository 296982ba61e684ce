"""What clients have said of resources, in PostgreSQL, beside the inventory."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from inventory.tables import annotation


def lock(connection: sa.Connection, resource_id: str) -> None:
    """Let nobody else change the resource until the transaction ends.

    Also before there is anything to lock.
    """
    key = sa.func.hashtextextended(resource_id, 639)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def keep(connection: sa.Connection, resource_id: str, said: Mapping[str, Any]) -> None:
    """Write what clients have said of a resource."""
    values = {"document": dict(said), "updated_at": sa.func.now()}
    connection.execute(
        insert(annotation)
        .values(thing=UUID(resource_id), **values)
        .on_conflict_do_update(index_elements=[annotation.c.thing], set_=values)
    )
