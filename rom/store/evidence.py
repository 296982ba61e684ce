"""Evidence in PostgreSQL: what devices held before and after each transaction."""

import zlib
from hashlib import sha256

import sqlalchemy as sa

from rom.model.snapshot import Moment, Sealer
from rom.store.tables import evidence

KEPT_PER_DEVICE = 100


def keep(
    connection: sa.Connection,
    sealer: Sealer,
    *,
    device: str,
    transaction: str,
    moment: Moment,
    content: bytes,
) -> None:
    """Store what a device showed, compressed and encrypted; only so many of a device are kept."""
    connection.execute(
        sa.insert(evidence).values(
            txn=transaction,
            moment=moment,
            device=device,
            content_hash=sha256(content).hexdigest(),
            sealed=sealer.seal(zlib.compress(content, level=1)),
            time=sa.func.clock_timestamp(),
        )
    )
    oldest = (
        sa.select(evidence.c.time)
        .where(evidence.c.device == device)
        .order_by(evidence.c.time.desc())
        .offset(KEPT_PER_DEVICE)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(
        sa.delete(evidence).where(evidence.c.device == device, evidence.c.time <= oldest)
    )


def read(
    connection: sa.Connection, sealer: Sealer, transaction: str, moment: Moment
) -> bytes | None:
    """Return what was kept of a transaction, ``None`` when there is nothing."""
    sealed = connection.scalar(
        sa.select(evidence.c.sealed).where(
            evidence.c.txn == transaction, evidence.c.moment == moment
        )
    )
    return None if sealed is None else zlib.decompress(sealer.unseal(bytes(sealed)))


def hashes(connection: sa.Connection, transaction: str | None) -> dict[Moment, str]:
    """Return the hashes of what the device showed before and after a transaction."""
    rows = connection.execute(
        sa.select(evidence.c.moment, evidence.c.content_hash).where(evidence.c.txn == transaction)
    )
    return {Moment(row.moment): row.content_hash for row in rows}
