"""Evidence: what the whole device held before and after each transaction.

For people who ask later what happened, and for nothing else: a whole device is never pushed back,
because that would undo what everybody else has done since.
"""

from adapters.seam import Capability, Session
from rom.model.snapshot import Moment, Sealer
from rom.store import evidence
from rom.store.database import Engine


def keep(
    engine: Engine,
    sealer: Sealer,
    session: Session,
    *,
    device: str,
    transaction: str,
    moment: Moment,
) -> None:
    """Store what the device shows of itself, if it can; raises ``AdapterError``."""
    if Capability.EVIDENCE not in session.capabilities:
        return
    content = session.evidence()
    with engine.begin() as connection:
        evidence.keep(
            connection,
            sealer,
            device=device,
            transaction=transaction,
            moment=moment,
            content=content,
        )
