"""Evidence: what a device held before and after each transaction, around what it was about.

For people who ask later what happened, and for nothing else: it is never pushed back, because that
would undo what everybody else has done since. It has all that the sites have or want, and some of
their neighbours to show that they were left alone; a device with a thousand sites costs no more.
"""

from adapters.seam import Capability, Session
from device_profiles.tree import Path, topmost
from rom.ledger.attempt import Attempt
from rom.model.snapshot import Moment, Sealer
from rom.store import effects, evidence
from rom.store.database import Engine

NEIGHBOURS = 8
"""Most sites besides those of the transaction that are shown."""


def keep(
    engine: Engine, sealer: Sealer, session: Session, attempt: Attempt, moment: Moment
) -> None:
    """Store what the device shows of the sites and of neighbours, if it can.

    Raises ``AdapterError``.
    """
    if Capability.EVIDENCE not in session.capabilities:
        return
    content = session.evidence(_scope(engine, attempt))
    with engine.begin() as connection:
        evidence.keep(
            connection,
            sealer,
            device=attempt.device,
            transaction=attempt.transaction,
            moment=moment,
            content=content,
        )


def _scope(engine: Engine, attempt: Attempt) -> tuple[Path, ...]:
    with engine.connect() as connection:
        beside = effects.of_neighbours(
            connection, attempt.device, sites=list(attempt.plans), limit=NEIGHBOURS
        )
    own = [path for site in attempt.plans for path in attempt.wishes[site].own]
    edited = [edit.path for plan in attempt.plans.values() for edit in plan.edits]
    return topmost([*own, *edited, *beside])
