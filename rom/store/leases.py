"""One writer per device: a lease with an epoch that only ever rises, so that a sleeper is fenced.

The epoch is checked in every transaction in which a writer decides something: one that was stopped
and resumed in between can neither send nor settle what another has settled meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.store.tables import device_lease


class FencedOff(Exception):
    """Another writer has taken the device over; this one must not send anything."""


def acquire(
    engine: sa.Engine,
    device: str,
    holder: str,
    seconds: int,
    taken_over: Callable[[sa.Connection, str], None] = lambda *_: None,
) -> int | None:
    """Take the device's lease and return its new epoch, or ``None`` while somebody holds it.

    ``taken_over`` is called within the transaction with a holder that has let its lease run out.
    """
    until = sa.func.now() + timedelta(seconds=seconds)
    statement = insert(device_lease).values(device=device, epoch=1, holder=holder, until=until)
    statement = statement.on_conflict_do_update(
        index_elements=[device_lease.c.device],
        set_={"epoch": device_lease.c.epoch + 1, "holder": holder, "until": until},
        where=sa.or_(
            device_lease.c.holder.is_(None),
            device_lease.c.holder == holder,
            device_lease.c.until < sa.func.now(),
        ),
    )
    with engine.begin() as connection:
        before = connection.scalar(
            sa.select(device_lease.c.holder)
            .where(device_lease.c.device == device, device_lease.c.until < sa.func.now())
            .where(device_lease.c.holder.is_not(None), device_lease.c.holder != holder)
            .with_for_update()
        )
        epoch: int | None = connection.scalar(statement.returning(device_lease.c.epoch))
        if before is not None and epoch is not None:
            taken_over(connection, before)
    return epoch


def release(engine: sa.Engine, device: str, epoch: int) -> None:
    """Give the lease back, if it is still ours."""
    with engine.begin() as connection:
        connection.execute(
            sa.update(device_lease)
            .where(device_lease.c.device == device, device_lease.c.epoch == epoch)
            .values(holder=None)
        )


def check(connection: sa.Connection, device: str, epoch: int) -> None:
    """Hold the lease row until the end of the transaction, or raise ``FencedOff``."""
    found = connection.scalar(
        sa.select(device_lease.c.epoch)
        .where(device_lease.c.device == device, device_lease.c.epoch == epoch)
        .where(device_lease.c.until > sa.func.now())
        .with_for_update()
    )
    if found is None:
        message = f"the lease of {device} with epoch {epoch} has passed to another writer"
        raise FencedOff(message)


@contextmanager
def under(engine: sa.Engine, device: str, epoch: int) -> Iterator[sa.Connection]:
    """Yield a transaction that holds the lease until it ends; raises ``FencedOff`` instead."""
    with engine.begin() as connection:
        check(connection, device, epoch)
        yield connection


def ensure(engine: sa.Engine, device: str, epoch: int) -> None:
    """Raise ``FencedOff`` unless the device is ours: before a last step that it is asked for."""
    with engine.begin() as connection:
        check(connection, device, epoch)


def renew(engine: sa.Engine, device: str, epoch: int, seconds: int) -> None:
    """Let the lease run for ``seconds`` from now, if it is still ours."""
    with engine.begin() as connection:
        connection.execute(
            sa.update(device_lease)
            .where(device_lease.c.device == device, device_lease.c.epoch == epoch)
            .values(until=sa.func.now() + timedelta(seconds=seconds))
        )
