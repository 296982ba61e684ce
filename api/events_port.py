"""What the faces for events ask of the engine."""

from typing import Protocol, cast

from api.ports import OrderGateway
from rom.events.service import Events


class EventsGateway(OrderGateway, Protocol):
    """The engine as the faces for events see it."""

    @property
    def events(self) -> Events:
        """Listeners, dead letters and the log of events."""


def events_of(gateway: OrderGateway) -> EventsGateway:
    """Return the engine; the application's own type knows orders only."""
    return cast(EventsGateway, gateway)
