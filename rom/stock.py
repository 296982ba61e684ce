"""What orders draw from: how full the pools are, and more of it from an inventory file."""

from typing import Any

import structlog

from inventory.load import load_content
from inventory.queries import pool_status
from inventory.writing import LoadReport
from rom.store import order_items
from rom.store.database import Engine

log = structlog.get_logger(__name__)


class Stock:
    """The inventory as operators and planners see it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, content: object, name: str) -> LoadReport:
        """Bring an inventory file's content in, all or nothing; held items are tried at once.

        ``name`` is what a refusal calls the file. Raises ``InventoryFileError`` with every finding.
        """
        with self._engine.begin() as connection:
            report = load_content(connection, content, name)
            order_items.resources_came(connection)
        log.info("inventory.loaded", file=name, **report.model_dump())
        return report

    def pools(self) -> list[dict[str, Any]]:
        """Return every pool with its capacity and what is free, by name."""
        with self._engine.connect() as connection:
            found = pool_status(connection)
        return [{**pool.model_dump(mode="json"), "low": pool.is_low} for pool in found]
