"""Events on their way out: what happened, who listens, and what is still to be sent to whom."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from device_profiles.words import Word
from rom.model.access import EVERYTHING, Scope
from rom.model.event_types import Api
from rom.model.life import Life, table

Notification = dict[str, Any]
"""A TM Forum event as it is sent: the envelope with its subject whole inside."""


class DeliveryState(Word):
    """What is to become of an event that a listener has not taken; one that is taken is gone."""

    WAITING = "waiting"
    DEAD = "dead"


DELIVERY_LIFE = Life(
    "delivery",
    table(
        {
            DeliveryState.WAITING: {DeliveryState.DEAD},
            # Somebody may have a dead letter sent again.
            DeliveryState.DEAD: {DeliveryState.WAITING},
        }
    ),
)


class SubscriptionState(Word):
    """How delivery to a listener stands."""

    IDLE = "idle"
    DELIVERING = "delivering"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """An event as it was written, in the transaction of what it tells."""

    sequence: int
    stream: str
    """What keeps its events in order: the id of an order, a task, a resource, a specification."""
    event_type: str
    payload: Notification


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event at its place; places only grow, and a smaller one never appears later."""

    position: int
    sequence: int
    stream: str
    event_type: str
    payload: Notification


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a follower wants to see; fields left out do not matter."""

    order: str | None = None
    site: str | None = None
    event_types: frozenset[str] = field(default_factory=frozenset)
    scope: Scope = EVERYTHING


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """A listener's registration at a hub (TMF630, EventSubscription)."""

    id: str
    api: Api
    callback: str
    query: str
    owner: str
    """Who registered it; empty in an open lab."""
    scope: Scope
    """That client's limits."""
    sealed_secret: bytes | None = field(repr=False)
    by_token: bool = field(default=False, kw_only=True)
    """Whether the owner has shown a token of the gateway's own."""


@dataclass(frozen=True, slots=True)
class Subscription(NewSubscription):
    """A registration as it is kept, with what became of deliveries so far."""

    created_at: datetime
    delivered: int = 0
    failures: int = 0
    """Rounds in a row in which nothing got through; the pause grows with them."""
    paused_until: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str | None = None

    @property
    def failed_last(self) -> bool:
        """Whether the last attempt at the listener failed."""
        failed, succeeded = self.last_failure_at, self.last_success_at
        return failed is not None and (succeeded is None or failed > succeeded)


@dataclass(frozen=True, slots=True)
class SubscriptionStatus:
    """A registration with what waits for its listener now."""

    subscription: Subscription
    waiting: int
    dead: int
    waiting_since: datetime | None

    @property
    def state(self) -> SubscriptionState:
        """How delivery stands."""
        if self.subscription.failures or (self.waiting and self.subscription.failed_last):
            return SubscriptionState.FAILING
        return SubscriptionState.DELIVERING if self.waiting else SubscriptionState.IDLE


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An event that a listener is to get."""

    listener_id: str
    sequence: int
    position: int
    stream: str


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A notification that can be sent to its listener now."""

    id: int
    sequence: int
    stream: str
    payload: Notification


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be delivered, kept until somebody has it sent again."""

    id: int
    listener_id: str
    callback: str
    stream: str
    event_type: str
    time: datetime
    """When the event happened."""
    attempts: int
    dead_at: datetime
    error: str | None
    payload: Notification
