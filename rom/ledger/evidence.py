"""Evidence: what the whole device held before and after each transaction.

For people who ask later what happened, and for nothing else: a whole device is never pushed back,
because that would undo what everybody else has done since. Compressed, encrypted, and only so
many of a device are kept.
"""

import zlib
from hashlib import sha256

import sqlalchemy as sa

from adapters.seam import Capability, Session
from rom.ledger.snapshots import Sealer
from rom.store.tables import evidence

KEPT_PER_DEVICE = 100


def keep(
    engine: sa.Engine,
    sealer: Sealer,
    session: Session,
    *,
    device: str,
    transaction: str,
    moment: str,
) -> None:
    """Store what the device shows of itself, if it can; raises ``AdapterError``."""
    if Capability.EVIDENCE not in session.capabilities:
        return
    content = session.evidence()
    with engine.begin() as connection:
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


def read(connection: sa.Connection, sealer: Sealer, transaction: str, moment: str) -> bytes | None:
    """Return what was kept of a transaction, ``None`` when there is nothing."""
    sealed = connection.scalar(
        sa.select(evidence.c.sealed).where(
            evidence.c.txn == transaction, evidence.c.moment == moment
        )
    )
    return None if sealed is None else zlib.decompress(sealer.unseal(bytes(sealed)))
