"""A rollout wave by wave; after the POST of an order everything is learnt from received events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from api.som.listener import Event
from api.som.plan import RolloutPlan, Wave
from rom.model.order_states import FINAL_ORDER_STATES, OrderState

_STUCK = ("pending", "held", "failed", "rejected", "cancelled")
EVENT_TYPES = ("ResourceOrderStateChangeEvent", "ResourceOrderItemStateChangeEvent")


class Orders(Protocol):
    """Takes orders."""

    def submit_once(self, order: bytes, key: str) -> dict[str, Any]:
        """Post an order under a key."""


class Events(Protocol):
    """Where received events come from."""

    def next(self, seconds: float) -> Event | None:
        """Return the next event, ``None`` when none has come in time."""


@dataclass
class Placed:
    """One order of a wave as its events tell it."""

    wave: str
    file: str
    id: str
    sites: tuple[str, ...]
    state: str
    events: int = 0
    note: str = ""
    seconds: float | None = None

    @property
    def final(self) -> bool:
        """Whether no event can follow."""
        return self.state in FINAL_ORDER_STATES


@dataclass
class Outcome:
    """What became of a rollout; ``stopped_at`` names the wave that the next one did not follow."""

    orders: list[Placed] = field(default_factory=list)
    stopped_at: str | None = None
    why: str = ""


class Rollout:
    """Plays a plan; ``say`` is called with one line for everything that is new."""

    def __init__(
        self, orders: Orders, events: Events, say: Callable[[str], None], run: str
    ) -> None:
        self._orders = orders
        self._events = events
        self._say = say
        self._run = run
        self._early: dict[str, list[Event]] = {}

    def play(self, plan: RolloutPlan, texts: Mapping[str, bytes], seconds: float) -> Outcome:
        """Return the outcome; each wave may take ``seconds``."""
        outcome = Outcome()
        for wave in plan.waves:
            placed = [self._place(wave, file, texts[file]) for file in wave.orders]
            outcome.orders += placed
            self._await(placed, monotonic() + seconds)
            completed = sum(OrderState(order.state) is OrderState.COMPLETED for order in placed)
            share = 100 * completed // len(placed)
            words = f"{completed} of {len(placed)} orders completed"
            late = [order.id for order in placed if not order.final]
            if late:
                words += f", {', '.join(late)} not final after {seconds:g} seconds"
            if share < wave.completedPercent:
                outcome.stopped_at = wave.name
                outcome.why = f"{words}, wave {wave.name} needs {wave.completedPercent} percent"
                return outcome
            self._say(f"wave {wave.name} has passed: {words}")
        return outcome

    def _place(self, wave: Wave, file: str, text: bytes) -> Placed:
        taken = self._orders.submit_once(text, f"{self._run}/{file}")
        sites = {item["resource"].get("place", {}).get("id", "") for item in taken["orderItem"]}
        order = Placed(wave.name, file, taken["id"], tuple(sorted(sites - {""})), taken["state"])
        self._say(f"{wave.name}: {file} is order {order.id}, {order.state}")
        for event in self._early.pop(order.id, []):
            self._learn(order, event)
        return order

    def _await(self, placed: list[Placed], deadline: float) -> None:
        known = {order.id: order for order in placed}
        started = monotonic()
        while not all(order.final for order in placed):
            event = self._events.next(deadline - monotonic())
            if event is None:
                return
            order_id = event["event"]["resourceOrder"]["id"]
            if order_id not in known:
                self._early.setdefault(order_id, []).append(event)
                continue
            order = known[order_id]
            self._learn(order, event)
            if order.final and order.seconds is None:
                order.seconds = monotonic() - started

    def _learn(self, order: Placed, event: Event) -> None:
        order.events += 1
        payload = event["event"]
        item = payload.get("resourceOrderItem")
        if item is not None:
            order.note = _last_note(item)
            self._say(f"{order.id} {item['id']} is {item['state']}{_after(order.note)}")
        elif event["eventType"] == "ResourceOrderStateChangeEvent":
            order.state = payload["resourceOrder"]["state"]
            self._say(f"{order.id} is {order.state}")


def _last_note(item: Mapping[str, Any]) -> str:
    """Return why the item does not go on; a note of an item that does is history."""
    notes = item.get("note") or []
    return str(notes[-1]["text"]) if notes and item["state"] in _STUCK else ""


def _after(note: str) -> str:
    return f": {note}" if note else ""
