"""The state machine of a resource order and of its items, the only place that knows it.

Source: TMF652 v4, lifecycle diagram of the ResourceOrder; TM Forum's use cases apply the same
diagram to items, which lack ``partial``.
"""

from collections import deque
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Literal, TypeVar

Kind = Literal["order", "item"]


class OrderState(StrEnum):
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


class ItemState(StrEnum):
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


State = TypeVar("State", OrderState, ItemState)

ORDER_TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.ACKNOWLEDGED: frozenset(
        {OrderState.REJECTED, OrderState.IN_PROGRESS, OrderState.ASSESSING_CANCELLATION}
    ),
    OrderState.IN_PROGRESS: frozenset(
        {
            OrderState.PENDING,
            OrderState.HELD,
            OrderState.COMPLETED,
            OrderState.FAILED,
            OrderState.PARTIAL,
            OrderState.ASSESSING_CANCELLATION,
        }
    ),
    OrderState.PENDING: frozenset(
        {OrderState.IN_PROGRESS, OrderState.CANCELLED, OrderState.ASSESSING_CANCELLATION}
    ),
    OrderState.HELD: frozenset(
        {OrderState.IN_PROGRESS, OrderState.CANCELLED, OrderState.ASSESSING_CANCELLATION}
    ),
    OrderState.ASSESSING_CANCELLATION: frozenset(
        {
            OrderState.ACKNOWLEDGED,
            OrderState.IN_PROGRESS,
            OrderState.PENDING,
            OrderState.HELD,
            OrderState.PENDING_CANCELLATION,
        }
    ),
    OrderState.PENDING_CANCELLATION: frozenset({OrderState.CANCELLED}),
    OrderState.REJECTED: frozenset(),
    OrderState.COMPLETED: frozenset(),
    OrderState.FAILED: frozenset(),
    OrderState.PARTIAL: frozenset(),
    OrderState.CANCELLED: frozenset(),
}

ITEM_TRANSITIONS: Mapping[ItemState, frozenset[ItemState]] = {
    ItemState(old.value): frozenset(
        ItemState(new.value) for new in reachable if new is not OrderState.PARTIAL
    )
    for old, reachable in ORDER_TRANSITIONS.items()
    if old is not OrderState.PARTIAL
}

FINAL_ORDER_STATES = frozenset(state for state, after in ORDER_TRANSITIONS.items() if not after)
FINAL_ITEM_STATES = frozenset(state for state, after in ITEM_TRANSITIONS.items() if not after)

_DRAWN: Mapping[Kind, Mapping[str, frozenset[str]]] = {
    "order": {old.value: frozenset(new) for old, new in ORDER_TRANSITIONS.items()},
    "item": {old.value: frozenset(new) for old, new in ITEM_TRANSITIONS.items()},
}
_CANCELLING = frozenset({"assessingCancellation", "pendingCancellation"})

CANCELLING_ITEM_STATES = frozenset(ItemState(state) for state in _CANCELLING)
"""An item in one of these is moved by its cancellation and by nothing else."""

CLIENT_TRANSITIONS: Mapping[Kind, Mapping[str, frozenset[str]]] = {
    "order": {
        "acknowledged": frozenset({"assessingCancellation"}),
        "inProgress": frozenset({"assessingCancellation"}),
        "pending": frozenset({"assessingCancellation", "cancelled"}),
        "held": frozenset({"inProgress", "assessingCancellation", "cancelled"}),
    },
    "item": {"held": frozenset({"inProgress", "assessingCancellation", "cancelled"})},
}
"""What a client may ask for by writing a state: a retry, or a cancellation.

Every other arrow of the diagram says what the gateway has found or done, so only it may take it.
"""


class IllegalTransition(ValueError):
    """A change of state that the diagram does not draw."""

    def __init__(self, kind: Kind, old: str, new: str) -> None:
        self.kind = kind
        self.old = old
        self.new = new
        super().__init__(f"an {kind} cannot go from {old} to {new}")


def check_transition(kind: Kind, old: str, new: str) -> None:
    """Raise ``IllegalTransition`` unless the diagram draws an arrow from ``old`` to ``new``.

    Staying in a state is no transition, so ``old`` equal to ``new`` is refused too.
    """
    legal = _DRAWN[kind].get(str(old), frozenset())
    if str(new) not in legal:
        raise IllegalTransition(kind, str(old), str(new))


def transition_path(old: State, new: State) -> tuple[State, ...]:
    """Return the fewest legal steps from ``old`` to ``new``, without ``old``; none if equal.

    A cancellation's states are passed only on the way to ``cancelled``, so that nothing is said
    to be under cancellation that nobody cancelled. Raises ``IllegalTransition``.
    """
    if old == new:
        return ()
    if isinstance(old, OrderState):
        return _shortest_path("order", ORDER_TRANSITIONS, old, new)
    return _shortest_path("item", ITEM_TRANSITIONS, old, new)


def _shortest_path(
    kind: Kind, table: Mapping[State, frozenset[State]], old: State, new: State
) -> tuple[State, ...]:
    towards_cancelled = new.value in _CANCELLING or new.value == "cancelled"
    came_from: dict[State, State] = {}
    waiting = deque([old])
    while waiting and new not in came_from:
        here = waiting.popleft()
        for state in sorted(table[here] - came_from.keys() - {old}):
            if state == new or (state.value in _CANCELLING) == towards_cancelled:
                came_from[state] = here
                waiting.append(state)
    if new not in came_from:
        raise IllegalTransition(kind, old.value, new.value)
    path = deque([new])
    while (before := came_from[path[0]]) != old:
        path.appendleft(before)
    return tuple(path)


def derive_order_state(item_states: Collection[ItemState], current: OrderState) -> OrderState:
    """Return the state an order must be in, given its items' states and its own.

    A final order stays as it is, and a cancellation under assessment is for its task to end. The
    result may be some transitions away: ``transition_path(current, result)`` always exists.
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
