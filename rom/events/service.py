"""Everything about events that the gateway's faces ask for, in one place."""

from rom.events.callback import CallbackPolicy
from rom.events.dead_letters import DeadLetters
from rom.events.dispatcher import Dispatcher
from rom.events.listeners import Listeners
from rom.events.log import EventLog
from rom.events.resources import ResourceEvents
from rom.events.settings import EventSettings
from rom.store.database import Engine
from rom.vault.vault import Vault


class Events:
    """Listeners, dead letters, the log of events, and the delivery that runs beside the workers."""

    def __init__(
        self, engine: Engine, vault: Vault, settings: EventSettings, base_url: str
    ) -> None:
        policy = CallbackPolicy(settings.callback_allow, http=settings.callback_http)
        self.listeners = Listeners(engine, vault, policy, settings.listeners_most)
        self.dead_letters = DeadLetters(engine)
        self.log = EventLog(engine)
        self._dispatcher = Dispatcher(engine, vault, policy, settings)
        ResourceEvents(base_url).observe(engine)

    def start(self) -> None:
        """Begin to deliver."""
        self._dispatcher.start()

    def stop(self) -> None:
        """Stop delivering; what is under way ends first."""
        self._dispatcher.stop()
