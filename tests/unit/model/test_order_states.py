from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rom.model.errors import IllegalTransition
from rom.model.life import Life, State
from rom.model.order_states import (
    FINAL_ITEM_STATES,
    FINAL_ORDER_STATES,
    ITEM_LIFE,
    ORDER_LIFE,
    ItemState,
    OrderState,
    derive_order_state,
)

DIAGRAM = """
acknowledged: rejected inProgress assessingCancellation
inProgress: pending held completed failed partial assessingCancellation
pending: inProgress cancelled assessingCancellation
held: inProgress cancelled assessingCancellation
assessingCancellation: acknowledged inProgress pending held pendingCancellation
pendingCancellation: cancelled
rejected:
completed:
failed:
partial:
cancelled:
"""
DRAWN = {
    (old, new)
    for line in DIAGRAM.split("\n")
    if line
    for old, _, reachable in [line.partition(":")]
    for new in reachable.split()
}


def legal(life: Life[State], old: State, new: State) -> bool:
    try:
        life.check(old, new)
    except IllegalTransition:
        return False
    return True


def test_an_order_goes_where_the_diagram_draws_an_arrow_and_nowhere_else() -> None:
    allowed = {
        (a.value, b.value) for a in OrderState for b in OrderState if legal(ORDER_LIFE, a, b)
    }
    assert allowed == DRAWN


def test_an_item_follows_the_same_diagram_without_partial() -> None:
    allowed = {(a.value, b.value) for a in ItemState for b in ItemState if legal(ITEM_LIFE, a, b)}
    assert allowed == {pair for pair in DRAWN if "partial" not in pair}
    assert "partial" not in set(ItemState)


def test_an_unknown_word_is_no_state() -> None:
    with pytest.raises(ValueError, match="'started' is not a valid OrderState"):
        OrderState("started")


def test_a_refused_transition_is_told_in_words() -> None:
    with pytest.raises(IllegalTransition, match="an order cannot go from completed to held"):
        ORDER_LIFE.check(OrderState.COMPLETED, OrderState.HELD)


def test_final_states_are_those_without_an_arrow_out() -> None:
    assert {state.value for state in FINAL_ORDER_STATES} == {
        "rejected", "completed", "failed", "partial", "cancelled",
    }  # fmt: skip
    assert {state.value for state in FINAL_ITEM_STATES} == {
        "rejected", "completed", "failed", "cancelled",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("held", "failed", "inProgress failed"),
        ("held", "partial", "inProgress partial"),
        ("pending", "held", "inProgress held"),
        ("acknowledged", "completed", "inProgress completed"),
        ("held", "cancelled", "cancelled"),
        ("inProgress", "cancelled", "assessingCancellation pendingCancellation cancelled"),
        ("acknowledged", "cancelled", "assessingCancellation pendingCancellation cancelled"),
        ("assessingCancellation", "completed", "inProgress completed"),
        ("held", "held", ""),
    ],
)
def test_a_far_state_is_reached_by_legal_steps(old: str, new: str, path: str) -> None:
    assert [step.value for step in ORDER_LIFE.path(OrderState(old), OrderState(new))] == (
        path.split()
    )


@pytest.mark.parametrize("final", sorted(FINAL_ORDER_STATES))
def test_nothing_leaves_a_final_state(final: OrderState) -> None:
    for new in set(OrderState) - {final}:
        with pytest.raises(IllegalTransition):
            ORDER_LIFE.path(final, new)


def test_a_cancellation_under_way_ends_in_cancelled_only() -> None:
    for new in (OrderState.IN_PROGRESS, OrderState.HELD, OrderState.FAILED):
        with pytest.raises(IllegalTransition):
            ORDER_LIFE.path(OrderState.PENDING_CANCELLATION, new)


@settings(deadline=None)
@given(st.sampled_from(OrderState), st.sampled_from(OrderState))
def test_every_step_of_a_path_is_legal_and_no_step_is_final_but_the_last(
    old: OrderState, new: OrderState
) -> None:
    try:
        path = ORDER_LIFE.path(old, new)
    except IllegalTransition:
        return
    here = old
    for step in path:
        ORDER_LIFE.check(here, step)
        here = step
    assert here == new


@settings(deadline=None)
@given(st.lists(st.sampled_from(ItemState), min_size=1), st.sampled_from(OrderState))
def test_the_derived_state_can_always_be_reached(
    items: list[ItemState], current: OrderState
) -> None:
    derived = derive_order_state(items, current)
    here = current
    for step in ORDER_LIFE.path(current, derived):
        ORDER_LIFE.check(here, step)
        here = step
    assert here == derived
    assert derive_order_state(items, derived) == derived


@settings(deadline=None)
@given(st.lists(st.sampled_from(ItemState), min_size=1), st.sampled_from(OrderState))
def test_an_order_is_final_exactly_when_its_items_are(
    items: list[ItemState], current: OrderState
) -> None:
    if current in FINAL_ORDER_STATES or current is OrderState.ASSESSING_CANCELLATION:
        return
    derived = derive_order_state(items, current)
    assert (derived in FINAL_ORDER_STATES) == all(state in FINAL_ITEM_STATES for state in items)


@pytest.mark.parametrize(
    ("items", "derived"),
    [
        ("completed completed", "completed"),
        ("completed failed", "partial"),
        ("completed cancelled", "partial"),
        ("completed rejected", "partial"),
        ("failed failed", "failed"),
        ("failed cancelled", "failed"),
        ("rejected rejected", "failed"),
        ("cancelled cancelled", "cancelled"),
        ("held inProgress", "inProgress"),
        ("held acknowledged completed", "held"),
        ("held pending", "held"),
        ("pending acknowledged", "pending"),
        ("completed acknowledged", "inProgress"),
        ("assessingCancellation held", "inProgress"),
    ],
)
def test_an_order_under_way_follows_its_items(items: str, derived: str) -> None:
    assert derive_order_state(states(items), OrderState.IN_PROGRESS).value == derived


def test_an_order_nobody_started_stays_acknowledged_or_is_rejected() -> None:
    new = OrderState.ACKNOWLEDGED
    assert derive_order_state(states("acknowledged acknowledged"), new) is new
    assert derive_order_state(states("rejected rejected"), new) is OrderState.REJECTED
    assert derive_order_state(states("rejected acknowledged"), new) is OrderState.IN_PROGRESS


def test_a_cancellation_is_not_overtaken_by_its_items() -> None:
    assessing, cancelling = OrderState.ASSESSING_CANCELLATION, OrderState.PENDING_CANCELLATION
    assert derive_order_state(states("completed completed"), assessing) is assessing
    assert derive_order_state(states("completed held"), cancelling) is cancelling
    assert derive_order_state(states("completed cancelled"), cancelling) is OrderState.CANCELLED
    assert derive_order_state(FINAL_ITEM_STATES, cancelling) is OrderState.CANCELLED


def states(words: str) -> Collection[ItemState]:
    return [ItemState(word) for word in words.split()]
