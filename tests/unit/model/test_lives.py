"""Every kind of thing has one life, and each of its states stands in it."""

import pytest

from device_profiles.words import Word
from rom.model.change import CHANGE_LIFE, ChangeState
from rom.model.life import Life
from rom.model.order_states import ITEM_LIFE, ORDER_LIFE, ItemState, OrderState
from rom.model.task import TASK_LIFE, TaskState
from rom.model.ticket import TICKET_LIFE, TicketState
from rom.model.transaction import TRANSACTION_LIFE, TransactionState

LIVES: list[tuple[Life[Word], type[Word], Word]] = [
    (ORDER_LIFE, OrderState, OrderState.ACKNOWLEDGED),
    (ITEM_LIFE, ItemState, ItemState.ACKNOWLEDGED),
    (CHANGE_LIFE, ChangeState, ChangeState.WAITING),
    (TRANSACTION_LIFE, TransactionState, TransactionState.PLANNED),
    (TASK_LIFE, TaskState, TaskState.ACKNOWLEDGED),
    (TICKET_LIFE, TicketState, TicketState.STAGED),
]  # type: ignore[list-item]  # lives of several enums in one list


@pytest.mark.parametrize(
    ("life", "states", "first"), LIVES, ids=lambda each: getattr(each, "of", "")
)
def test_every_state_stands_in_its_life_and_an_end_can_be_reached(
    life: Life[Word], states: type[Word], first: Word
) -> None:
    assert set(life.arrows) == set(states)
    reached, waiting = {first}, [first]
    while waiting:
        for state in life.arrows[waiting.pop()] - reached:
            reached.add(state)
            waiting.append(state)
    assert reached >= life.final
    assert life.open | life.final == set(states)


def test_what_leads_to_a_state_is_told_by_the_arrows_to_it() -> None:
    assert CHANGE_LIFE.before(ChangeState.CLAIMED) == {ChangeState.WAITING}
    assert TICKET_LIFE.before(TicketState.FETCHED).isdisjoint(
        {TicketState.COMPLETED, TicketState.CLOSED}
    )


def test_nothing_takes_a_committed_transaction_back() -> None:
    assert TransactionState.COMMITTED in TRANSACTION_LIFE.final
    assert TransactionState.REVERTED in TRANSACTION_LIFE.final
