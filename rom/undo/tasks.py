"""Rollback tasks: what is asked for, as it is kept and told."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from inventory.reservation import lock_sites
from rom.answers.sites import RollbackPreview, RollbackTarget
from rom.answers.sites import RollbackTask as Shown
from rom.model.change import Policy
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import OrderUnderWay, PreviewDiffers, RollbackConflicts, RollbackOpen
from rom.model.order import Item
from rom.model.snapshot import Sealer
from rom.store import outbox, retention, rollbacks, site_items
from rom.store.database import Connection, Engine
from rom.store.rollbacks import AlreadyOpen
from rom.trail import trail
from rom.undo.give_back import GiveBack
from rom.undo.target import resolve


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a rollback was asked for."""

    site: str
    to: int | None = None
    before: str | None = None
    policy: Policy = Policy.REFUSE
    reason: str = ""
    ticket: str = ""
    requester: str = ""
    preview_hash: str | None = None
    """The hash of the preview that was seen; without one, what is found now is done."""
    by: Actor = GATEWAY


def refuse_unforeseen(wanted: Wanted, preview: RollbackPreview) -> None:
    """Raise ``PreviewDiffers`` for a preview that was not seen, ``RollbackConflicts`` for its own.

    ``preview`` is what the devices say now.
    """
    if wanted.preview_hash not in (None, preview.hash):
        raise PreviewDiffers(preview.on_the_wire())
    blocking = [
        {"device": device.device, **conflict.on_the_wire()}
        for device in preview.devices
        for conflict in device.conflicts
        if conflict.blocks
    ]
    if blocking:
        raise RollbackConflicts(blocking)


def create(
    engine: Engine,
    sealer: Sealer,
    give_back: GiveBack,
    wanted: Wanted,
    preview: RollbackPreview,
) -> str:
    """Write a task as acknowledged and return its id.

    Raises ``RollbackOpen``, ``OrderUnderWay``, and ``ResourceExhausted`` when the site as it was
    needs more than is left; then nothing has been written.
    """
    try:
        with engine.begin() as connection:
            # No order is admitted meanwhile: what comes later sees the task and waits for it.
            lock_sites(connection, [wanted.site])
            retention.keep_history(connection, wanted.site)
            under_way = site_items.orders_under_way(connection, wanted.site)
            if under_way:
                message = f"order {under_way[0]} is still under way at site {wanted.site}"
                raise OrderUnderWay(message)
            target = resolve(connection, sealer, wanted.site, to=wanted.to, before=wanted.before)
            task_id = rollbacks.insert(
                connection,
                site=wanted.site,
                number=target.number,
                orders=target.orders,
                policy=wanted.policy,
                reason=wanted.reason,
                ticket=wanted.ticket,
                requester=wanted.requester,
                preview=preview.on_the_wire(),
            )
            taken = items_of(connection, wanted.site, target.orders)
            give_back.reserve(connection, wanted.site, taken)
            _record(connection, task_id, wanted, preview)
            emit(connection, task_id, "SiteRollbackCreateEvent")
    except AlreadyOpen as error:
        message = f"site {wanted.site} has a rollback under way already"
        raise RollbackOpen(message) from error
    return task_id


def _record(connection: Connection, task_id: str, wanted: Wanted, preview: RollbackPreview) -> None:
    decided = [
        f"{device.device}: {conflict.kind} at {conflict.path}"
        for device in preview.devices
        for conflict in device.conflicts
    ]
    trail.record(
        connection,
        wanted.by,
        DeedKind.SITE_ROLLED_BACK,
        sites=[wanted.site],
        devices=[device.device for device in preview.devices],
        subject=task_id,
        ticket=wanted.ticket,
        reason=wanted.reason,
        details={
            "requester": wanted.requester,
            "policy": str(wanted.policy),
            "target": preview.target,
            "orders": list(preview.orders),
            "previewAccepted": wanted.preview_hash,
            "conflicts": decided,
        },
    )


def items_of(connection: Connection, site: str, orders: tuple[str, ...]) -> list[Item]:
    """Return what the orders have given the site, also what later ones have taken the place of."""
    return [item for item in site_items.items_of_site(connection, site) if item.order_id in orders]


def find(connection: Connection, task_id: str) -> Shown | None:
    """Return the task as it is shown, or ``None``."""
    row = rollbacks.find(connection, task_id)
    if row is None:
        return None
    return Shown(
        id=row.id,
        site=row.site,
        state=row.state,
        target=RollbackTarget(number=row.number, orders=row.orders),
        policy=row.policy,
        reason=row.reason,
        ticket=row.ticket,
        requester=row.requester,
        preview=dict(row.preview),
        result=dict(row.result),
        created_date=row.created_at.isoformat(),
        completion_date=row.finished_at.isoformat() if row.finished_at else None,
    )


def emit(connection: Connection, task_id: str, event_type: str) -> None:
    """Write the task's event with its state's transaction."""
    shown = find(connection, task_id)
    if shown is None:
        return
    event = {
        "eventId": str(uuid4()),
        "eventTime": datetime.now(UTC).isoformat(),
        "eventType": event_type,
        "event": {"siteRollback": shown.on_the_wire(without={"preview"})},
    }
    outbox.emit(connection, task_id, event)
