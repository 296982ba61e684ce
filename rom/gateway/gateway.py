"""The gateway as its faces see it; built by ``rom.runtime``."""

from dataclasses import dataclass

from adapters.ztp.service import BootstrapServer
from rom.gateway.access import Access
from rom.gateway.catalog import Catalog
from rom.gateway.devices import Devices
from rom.gateway.events import Events
from rom.gateway.inventory import Inventory
from rom.gateway.operation import Counts, Operation
from rom.gateway.orders import Orders
from rom.gateway.secrets import Secrets
from rom.gateway.sites import Sites
from rom.gateway.trail import Trail


@dataclass(frozen=True)
class Gateway:
    """Everything the API and the command line call, by what it is about. Thread-safe."""

    orders: Orders
    sites: Sites
    devices: Devices
    inventory: Inventory
    catalog: Catalog
    events: Events
    access: Access
    bootstrap: BootstrapServer
    """Answers routers that ask for their first configuration."""
    operation: Operation
    trail: Trail
    secrets: Secrets

    def start(self) -> None:
        """Start the workers of this process, and the delivery of events."""
        self.operation.start()

    def stop(self) -> None:
        """Stop the workers; what is under way ends first, the rest stays in the database."""
        self.operation.stop()

    def problems(self) -> list[str]:
        """Return why orders cannot be taken now; empty when they can."""
        return self.operation.problems()

    def statistics(self) -> dict[str, Counts]:
        """Return what ``rom.metrics`` counts, as of now."""
        return self.operation.statistics()
