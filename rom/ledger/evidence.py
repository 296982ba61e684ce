"""Evidence: what a device held before and after each transaction, around what it was about.

For people who ask later what happened, and for nothing else: it is never pushed back, because that
would undo what everybody else has done since. It has all that the sites have or want, and some of
their neighbours to show that they were left alone, however many there are. What a device can show
in one piece only, such as a command line, is kept whole.
"""

from adapters.seam import Capability, Session
from device_profiles.tree import Path, topmost
from rom.ledger.attempt import Attempt
from rom.model.snapshot import Moment, Sealer
from rom.store import effects, evidence, intents
from rom.store.database import Engine

NEIGHBOURS = 8
"""Most sites besides those of the transaction that are shown."""


def scope(engine: Engine, session: Session, attempt: Attempt) -> tuple[Path, ...]:
    """Return what evidence of a transaction has to show; nothing where the device can show none."""
    if Capability.EVIDENCE not in session.capabilities:
        return ()
    sites, device = list(attempt.plans), attempt.device
    with engine.connect() as connection:
        others = intents.neighbours(connection, device, sites, NEIGHBOURS)
        beside = effects.paths_of(connection, device, others)
    own = [path for site in sites for path in attempt.wishes[site].own]
    edited = [edit.path for plan in attempt.plans.values() for edit in plan.edits]
    return topmost([*own, *edited, *beside])


def keep(
    engine: Engine, sealer: Sealer, session: Session, attempt: Attempt, moment: Moment
) -> None:
    """Store what the device shows of the attempt's evidence; raises ``AdapterError``."""
    if not attempt.evident:
        return
    content = session.evidence(attempt.evident)
    with engine.begin() as connection:
        evidence.keep(
            connection,
            sealer,
            device=attempt.device,
            transaction=attempt.transaction,
            moment=moment,
            content=content,
        )
