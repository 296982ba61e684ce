"""The queue of one gateway: listeners it takes, what is due to each, what became of an attempt.

A gateway takes a listener for the length of a lease and posts only while an answer would still
come within it, so no two gateways ever post to one listener at the same time.
"""

import random
from collections.abc import Collection
from datetime import timedelta

from rom.events.settings import EventSettings
from rom.model.event import DueDelivery, Subscription
from rom.store import deliveries, event_log, subscriptions
from rom.store.database import Engine

_BATCH = 50


class DeliveryQueue:
    """Reads and writes deliveries for one gateway, whose name is ``holder``."""

    def __init__(self, engine: Engine, settings: EventSettings, holder: str) -> None:
        self._engine = engine
        self._settings = settings
        self._holder = holder
        self._lease = timedelta(seconds=settings.event_lease_seconds)

    def take(self, busy: Collection[str]) -> list[Subscription]:
        """Take every listener that has something due and that nobody has; not the ``busy``."""
        with self._engine.begin() as connection:
            return subscriptions.lease_due(connection, self._holder, self._lease, busy)

    def renew(self, ids: Collection[str]) -> set[str]:
        """Prolong the leases of listeners; return those that are still ours."""
        with self._engine.begin() as connection:
            return subscriptions.renew(connection, self._holder, self._lease, ids)

    def give_back(self, listener_id: str) -> None:
        """Let any gateway take the listener."""
        with self._engine.begin() as connection:
            subscriptions.release(connection, self._holder, listener_id)

    def due(self, listener_id: str) -> list[DueDelivery]:
        """Return what can be sent now, in order; a stream whose first has to wait waits whole.

        Nothing to a listener that may listen no more, nor what lies outside its limits of now.
        """
        with self._engine.begin() as connection:
            listener = subscriptions.current(connection, listener_id)
            if listener is None:
                return []
            due = deliveries.due(connection, listener_id, _BATCH)
            sequences = [each.sequence for each in due]
            visible = event_log.visible(connection, listener.scope, sequences)
            # Written for it when its limits were wider.
            deliveries.remove(connection, *(e.id for e in due if e.sequence not in visible))
            return [each for each in due if each.sequence in visible]

    def delivered(self, listener_id: str, delivery_id: int) -> bool:
        """Forget a delivery that its listener has taken; tells whether it may have the next."""
        with self._engine.begin() as connection:
            # The listener before its deliveries, as its removal does: neither waits in turn.
            may_go_on = subscriptions.note_success(connection, listener_id)
            deliveries.remove(connection, delivery_id)
        return may_go_on

    def failed(self, listener_id: str, delivery_id: int, error: str) -> None:
        """Note a failed attempt: again after a pause, or never once it was tried enough."""
        settings = self._settings
        with self._engine.begin() as connection:
            subscriptions.note_failure(connection, listener_id, error)
            before = deliveries.attempts(connection, delivery_id)
            if before is None:
                return  # the listener has been removed meanwhile
            attempts = before + 1
            deliveries.note_failure(
                connection,
                delivery_id,
                attempts=attempts,
                error=error,
                pause=self._pause(attempts),
                max_age=timedelta(seconds=settings.event_give_up_seconds),
                exhausted=attempts >= settings.event_give_up_attempts,
            )

    def pause(self, listener_id: str, failures: int) -> None:
        """Leave a listener alone for a while: nothing has got through ``failures`` times."""
        with self._engine.begin() as connection:
            subscriptions.pause(connection, listener_id, failures, self._pause(failures))

    def _pause(self, failures: int) -> timedelta:
        chance = random.random()  # noqa: S311 - spreads attempts, keeps no secret
        return timedelta(seconds=self._settings.event_pause(failures, chance))
