"""A rollout against a gateway made of a dictionary and a list of events."""

from collections.abc import Iterable
from typing import Any

from api.som.listener import Event
from api.som.plan import RolloutPlan
from api.som.rollout import Rollout

PLAN = RolloutPlan.model_validate(
    {
        "name": "two waves",
        "waves": [
            {"name": "first", "orders": ["a", "b"], "completedPercent": 50},
            {"name": "second", "orders": ["c"]},
        ],
    }
)
TEXTS = {"a": b"A", "b": b"B", "c": b"C"}


def state(order: str, state: str) -> Event:
    return {
        "eventType": "ResourceOrderStateChangeEvent",
        "event": {"resourceOrder": {"id": order, "state": state}},
    }


def item(order: str, state: str, *notes: str) -> Event:
    return {
        "eventType": "ResourceOrderItemStateChangeEvent",
        "event": {
            "resourceOrder": {"id": order, "state": "inProgress"},
            "resourceOrderItem": {
                "id": "1", "state": state, "note": [{"text": note} for note in notes],
            },
        },
    }  # fmt: skip


class Gateway:
    def __init__(self, events: Iterable[Event]) -> None:
        self.waiting = list(events)
        self.taken: list[tuple[bytes, str]] = []

    def submit_once(self, order: bytes, key: str) -> dict[str, Any]:
        self.taken.append((order, key))
        site = {"resource": {"place": {"id": f"SITE-{key[-1]}"}}}
        return {"id": order.decode(), "state": "acknowledged", "orderItem": [site]}

    def next(self, seconds: float) -> Event | None:
        return self.waiting.pop(0) if self.waiting and seconds > 0 else None


def play(*events: Event) -> tuple[Any, Gateway, list[str]]:
    gateway = Gateway(events)
    said: list[str] = []
    outcome = Rollout(gateway, gateway, said.append, "run").play(PLAN, TEXTS, 60)
    return outcome, gateway, said


def test_a_wave_goes_out_once_the_gate_before_it_is_open() -> None:
    outcome, gateway, said = play(
        item("A", "inProgress"),
        state("A", "completed"),
        state("B", "failed"),
        state("C", "completed"),
    )  # fmt: skip
    assert [key for _, key in gateway.taken] == ["run/a", "run/b", "run/c"]
    assert outcome.stopped_at is None
    assert [order.state for order in outcome.orders] == ["completed", "failed", "completed"]
    assert outcome.orders[0].sites == ("SITE-a",)
    assert "wave first has passed: 1 of 2 orders completed" in said


def test_a_gate_that_stays_shut_stops_the_rollout_with_the_reason() -> None:
    outcome, gateway, _ = play(
        item("A", "held", "RESOURCE_EXHAUSTED: no VLAN"), state("A", "failed"), state("B", "failed")
    )
    assert outcome.stopped_at == "first"
    assert outcome.why == "0 of 2 orders completed, wave first needs 50 percent"
    assert outcome.orders[0].note == "RESOURCE_EXHAUSTED: no VLAN"
    assert len(gateway.taken) == 2


def test_an_order_that_does_not_end_in_time_is_named() -> None:
    outcome, _, _ = play(state("A", "inProgress"))
    assert outcome.stopped_at == "first"
    assert "A, B not final after 60 seconds" in outcome.why


def test_events_that_overtake_the_answer_to_the_post_are_kept() -> None:
    outcome, _, _ = play(
        state("C", "inProgress"), state("C", "completed"), state("A", "completed"),
        state("B", "completed"),
    )  # fmt: skip
    assert outcome.stopped_at is None
    assert outcome.orders[2].events == 2
