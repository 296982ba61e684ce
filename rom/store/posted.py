"""What has been posted: tells a repeated POST from a new order, also when both arrive at once."""

from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.model.errors import KeyReused
from rom.store.order_tables import posted_order

REPEATED_WITHIN = timedelta(days=1)
"""An equal body with the same references counts as a repetition for so long."""

KEY = "key"
BODY = "body"


class Post(NamedTuple):
    """One POST as it is recognised again: by its key, or by its body."""

    requester: str
    kind: str
    key: str
    body_hash: str


def claim(connection: sa.Connection, post: Post, order_id: str) -> str | None:
    """Take the post for ``order_id``; returns the earlier order it repeats, ``None`` if new.

    Waits for another transaction that is about to take the same. Raises ``KeyReused``.
    """
    values = {"body_hash": post.body_hash, "order_id": order_id}
    statement = insert(posted_order).values(
        requester=post.requester, kind=post.kind, key=post.key, **values
    )
    old = posted_order.c.created_at < sa.func.now() - REPEATED_WITHIN
    taken = connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(posted_order.primary_key),
            set_={**values, "created_at": sa.func.now()},
            where=sa.and_(posted_order.c.kind == BODY, old),
        ).returning(posted_order.c.order_id)
    ).one_or_none()
    if taken is not None:
        return None
    earlier = connection.execute(
        sa.select(posted_order).where(
            posted_order.c.requester == post.requester,
            posted_order.c.kind == post.kind,
            posted_order.c.key == post.key,
        )
    ).one()
    if earlier.body_hash != post.body_hash:
        raise KeyReused(post.key)
    return str(earlier.order_id)


def forget(connection: sa.Connection, order_id: str) -> None:
    """Let the order's posts be new ones again."""
    connection.execute(sa.delete(posted_order).where(posted_order.c.order_id == order_id))
