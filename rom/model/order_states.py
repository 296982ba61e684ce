"""The lives of a resource order and of its items, the only place that knows them.

Source: TMF652 v4, lifecycle diagram of the ResourceOrder; TM Forum's use cases apply the same
diagram to items, which lack ``partial``.
"""

from collections.abc import Collection, Mapping

from device_profiles.words import Word
from rom.model.life import Life, table


class OrderState(Word):
    """States of a resource order, spelled as TMF652 v4 spells them."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    PENDING = "pending"
    HELD = "held"
    IN_PROGRESS = "inProgress"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    PARTIAL = "partial"
    ASSESSING_CANCELLATION = "assessingCancellation"
    PENDING_CANCELLATION = "pendingCancellation"


class ItemState(Word):
    """States of an order item: those of an order without ``partial``."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    PENDING = "pending"
    HELD = "held"
    IN_PROGRESS = "inProgress"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    ASSESSING_CANCELLATION = "assessingCancellation"
    PENDING_CANCELLATION = "pendingCancellation"


class Step(Word):
    """How far the gateway is with an item, inside its TMF state."""

    ASSESSING = "assessing"
    RESERVED = "reserved"
    QUEUED = "queued"
    VERIFYING = "verifying"
    MEASURING = "measuring"
    BACKING_OUT = "backingOut"  # a device has refused it, so the others go back
    DONE = "done"


COMMITTED = frozenset({Step.VERIFYING, Step.MEASURING, Step.DONE})
"""Steps at which an item is on its devices and was read back there."""
GIVING = COMMITTED | {Step.RESERVED, Step.QUEUED}
"""Steps at which what an item says counts at its site: it has what it needs."""

_O, _I = OrderState, ItemState

ORDER_LIFE = Life(
    "order",
    table(
        {
            _O.ACKNOWLEDGED: {_O.REJECTED, _O.IN_PROGRESS, _O.ASSESSING_CANCELLATION},
            _O.IN_PROGRESS: {
                _O.PENDING,
                _O.HELD,
                _O.COMPLETED,
                _O.FAILED,
                _O.PARTIAL,
                _O.ASSESSING_CANCELLATION,
            },
            _O.PENDING: {_O.IN_PROGRESS, _O.CANCELLED, _O.ASSESSING_CANCELLATION},
            _O.HELD: {_O.IN_PROGRESS, _O.CANCELLED, _O.ASSESSING_CANCELLATION},
            _O.ASSESSING_CANCELLATION: {
                _O.ACKNOWLEDGED,
                _O.IN_PROGRESS,
                _O.PENDING,
                _O.HELD,
                _O.PENDING_CANCELLATION,
            },
            _O.PENDING_CANCELLATION: {_O.CANCELLED},
            _O.REJECTED: (),
            _O.COMPLETED: (),
            _O.FAILED: (),
            _O.PARTIAL: (),
            _O.CANCELLED: (),
        }
    ),
    # Nothing is said to be under cancellation that nobody cancelled.
    detours=frozenset({_O.ASSESSING_CANCELLATION, _O.PENDING_CANCELLATION}),
    detours_to=frozenset({_O.CANCELLED}),
)

ITEM_LIFE = Life(
    "item",
    {
        _I(old.value): frozenset(_I(new.value) for new in after if new is not _O.PARTIAL)
        for old, after in ORDER_LIFE.arrows.items()
        if old is not _O.PARTIAL
    },
    detours=frozenset(_I(state.value) for state in ORDER_LIFE.detours),
    detours_to=frozenset({_I.CANCELLED}),
)

FINAL_ORDER_STATES = ORDER_LIFE.final
FINAL_ITEM_STATES = ITEM_LIFE.final

CANCELLING_ITEM_STATES = ITEM_LIFE.detours
"""An item in one of these is moved by its cancellation and by nothing else."""

CLIENT_ORDER_TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = table(
    {
        _O.ACKNOWLEDGED: {_O.ASSESSING_CANCELLATION},
        _O.IN_PROGRESS: {_O.ASSESSING_CANCELLATION},
        _O.PENDING: {_O.ASSESSING_CANCELLATION, _O.CANCELLED},
        _O.HELD: {_O.IN_PROGRESS, _O.ASSESSING_CANCELLATION, _O.CANCELLED},
    }
)
CLIENT_ITEM_TRANSITIONS: Mapping[ItemState, frozenset[ItemState]] = table(
    {_I.HELD: {_I.IN_PROGRESS, _I.ASSESSING_CANCELLATION, _I.CANCELLED}}
)
"""What a client may ask for by writing a state: a retry, or a cancellation.

Every other arrow of the diagram says what the gateway has found or done, so only it may take it.
"""


def derive_order_state(item_states: Collection[ItemState], current: OrderState) -> OrderState:
    """Return the state an order must be in, given its items' states and its own.

    A final order stays as it is, and a cancellation under assessment is for its task to end. The
    result may be some transitions away: ``ORDER_LIFE.path(current, result)`` always exists.
    """
    states = frozenset(item_states)
    if not states or current in FINAL_ORDER_STATES:
        return current
    if current is OrderState.ASSESSING_CANCELLATION:
        return current
    if current is OrderState.PENDING_CANCELLATION:
        return OrderState.CANCELLED if states <= FINAL_ITEM_STATES else current
    if states <= FINAL_ITEM_STATES:
        return _final_state(states, current)
    return _open_state(states, current)


def _final_state(states: frozenset[ItemState], current: OrderState) -> OrderState:
    if states == {ItemState.COMPLETED}:
        return OrderState.COMPLETED
    if ItemState.COMPLETED in states:
        return OrderState.PARTIAL
    if states == {ItemState.REJECTED} and current is OrderState.ACKNOWLEDGED:
        return OrderState.REJECTED
    if states == {ItemState.CANCELLED}:
        return OrderState.CANCELLED
    return OrderState.FAILED


def _open_state(states: frozenset[ItemState], current: OrderState) -> OrderState:
    if states == {ItemState.ACKNOWLEDGED} and current is OrderState.ACKNOWLEDGED:
        return current
    working = {
        ItemState.IN_PROGRESS,
        ItemState.ASSESSING_CANCELLATION,
        ItemState.PENDING_CANCELLATION,
    }
    if states & working:
        return OrderState.IN_PROGRESS
    # Items that are not started yet wait for the held or pending ones, or start any moment.
    if ItemState.HELD in states:
        return OrderState.HELD
    if ItemState.PENDING in states:
        return OrderState.PENDING
    return OrderState.IN_PROGRESS
