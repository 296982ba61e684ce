"""Inventory: resources as TMF639 has them, how full the pools are, and files that bring more."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from device_profiles.bounded_yaml import Document as YamlDocument
from inventory import news
from inventory.condition_sql import bounded
from inventory.conditions import Comparison, Listing, Operator
from inventory.export import export_content
from inventory.load import load_content, parsed_file, preview_content, telling_lines
from inventory.queries import pool_status
from inventory.writing import LoadPreview, LoadReport
from rom.answers.inventory import PoolLine
from rom.documents.patching import PatchKind, patched
from rom.fulfilment.replanning import Replanning
from rom.gateway.seam import again_when_crossed, loading, searching
from rom.model.access import EVERYTHING, Scope
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import UnknownResource
from rom.resources.changes import annotated
from rom.resources.documents import BASE_PATH, resource_document
from rom.store import annotations, order_items
from rom.store.database import Connection, Engine
from rom.store.resource_query import UNSEARCHABLE, find_resources
from rom.trail import trail

__all__ = ["BASE_PATH", "UNSEARCHABLE", "Inventory", "LoadPreview", "LoadReport", "read_file"]

Document = dict[str, Any]
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Inventory:
    """What orders draw from. Thread-safe; methods block."""

    engine: Engine
    base_url: str
    replanning: Replanning
    wake_device: Callable[[str], None]

    def load(
        self, content: object, name: str, *, by: Actor, replace: Collection[str] = ()
    ) -> LoadReport:
        """Bring an inventory file's content in, all or nothing; held items are tried at once.

        ``name`` is what a refusal calls the file; of a document that ``read_file`` has read it
        names the lines. A change of what sites have in service is done where ``replace`` has its
        name, and the services of these sites are planned anew: their devices are asked in the same
        transaction. Raises ``InventoryRefused`` with every finding; for ``replace`` also
        ``OrderUnderWay``, ``RollbackOpen`` and ``NotPossible``. Orders that reserve meanwhile may
        cross it; it is done again then.
        """
        document = _document(content)
        report = again_when_crossed(lambda: self._load(document, name, by, replace))
        log.info("inventory.loaded", file=name, **report.model_dump())
        for device in sorted({each for found in report.replanned.values() for each in found}):
            self.wake_device(device)
        return report

    def load_at_start(self, file: Path) -> LoadReport | None:
        """Bring in the file that a gateway is started with, if it says something new.

        What it said at the last start that loaded it is in the trail. Said once more it is not
        loaded again: pools may have grown since, and a restart changes nothing. Raises as ``load``.
        """
        content = read_file(file)
        with self.engine.connect() as connection:
            last = trail.latest(connection, DeedKind.INVENTORY_LOADED, GATEWAY, str(file))
        if last is not None and last.get("content") == _digest(content):
            log.info("inventory.known", file=str(file))
            return None
        return self.load(content, str(file), by=GATEWAY)

    def _load(
        self, document: YamlDocument, name: str, by: Actor, replace: Collection[str]
    ) -> LoadReport:
        with loading(), telling_lines(document), self.engine.begin() as connection:
            report = self._loaded(connection, document, name, replace)
            order_items.resources_came(connection)
            trail.record(
                connection,
                by,
                DeedKind.INVENTORY_LOADED,
                sites=list(report.replanned),
                devices=sorted({each for found in report.replanned.values() for each in found}),
                subject=name,
                details={
                    **report.model_dump(mode="json"),
                    "replace": sorted(replace),
                    "content": _digest(document),
                },
            )
        return report

    def _loaded(
        self, connection: Connection, document: YamlDocument, name: str, replace: Collection[str]
    ) -> LoadReport:
        if not replace:
            return load_content(connection, document.value, name)
        sites = list(preview_content(connection, document.value, name, replace).replanned)
        # What the devices are is asked before the file says that they are something else.
        known = self.replanning.platforms(connection, sites)
        report = load_content(connection, document.value, name, replace)
        planned = self.replanning.plan(connection, sites, known)
        return report.model_copy(update={"replanned": planned})

    def preview(self, content: object, name: str, *, replace: Collection[str] = ()) -> LoadPreview:
        """Return what ``load`` would do, entry by entry, and do nothing; raises as it does."""
        document = _document(content)
        with loading(), telling_lines(document), self.engine.connect() as connection:
            preview = preview_content(connection, document.value, name, replace)
            if not preview.replanned:
                return preview
            # What is planned shows when it is done; without a commit it is not.
            report = self._loaded(connection, document, name, replace)
        return preview.model_copy(update={"replanned": report.replanned})

    def export(self) -> Document:
        """Return all there is as the content of an inventory file that loads to the same."""
        with self.engine.connect() as connection:
            return export_content(connection)

    def pools(self) -> tuple[PoolLine, ...]:
        """Return every pool with its capacity and what is free, by name."""
        with self.engine.connect() as connection:
            found = pool_status(connection)
        return tuple(PoolLine(**pool.model_dump(mode="json"), low=pool.is_low) for pool in found)

    def page(self, asked: Listing, within: Scope = EVERYTHING) -> tuple[list[Document], int]:
        """Return a page of resources and how many match in all; raises ``SearchRefused``."""
        with searching(), self.engine.begin() as connection, bounded(connection):
            rows, total = find_resources(connection, asked, within)
        return [self._shown(row) for row in rows], total

    def find(self, resource_id: str, within: Scope = EVERYTHING) -> Document:
        """Return one resource; raises ``UnknownResource``, also for one beyond ``within``."""
        with self.engine.begin() as connection:
            return self._shown(_row(connection, resource_id, within))

    def change(
        self,
        resource_id: str,
        kind: PatchKind,
        patch: object,
        within: Scope = EVERYTHING,
        *,
        by: Actor,
    ) -> Document:
        """Patch what clients may say of a resource and return it.

        Raises ``UnknownResource``, ``PatchRefused`` and ``ChangeRefused``; nothing is written then.
        """
        with self.engine.begin() as connection:
            # One at a time for a resource, also before it has anything to lock.
            annotations.lock(connection, resource_id)
            row = _row(connection, resource_id, within)
            before = self._shown(row)
            said = annotated(row, before, patched(before, kind, patch))
            with news.of_resources(connection, [UUID(resource_id)]):
                annotations.keep(connection, resource_id, said)
            trail.record(
                connection,
                by,
                DeedKind.RESOURCE_ANNOTATED,
                subject=resource_id,
                details={"attributes": sorted(said)},
            )
        return self._shown(row | {"annotation": said})

    def _shown(self, row: Document) -> Document:
        return resource_document(row, f"{self.base_url}{BASE_PATH}/{row['resource_id']}")


def read_file(file: Path) -> YamlDocument:
    """Return what an inventory file (YAML or JSON) says, and where; raises ``InventoryRefused``."""
    with loading():
        return parsed_file(file)


def _digest(document: YamlDocument) -> str:
    """Return what tells one content from another, whatever way it is written down."""
    return sha256(json.dumps(document.value, default=str).encode()).hexdigest()


def _document(content: object) -> YamlDocument:
    return content if isinstance(content, YamlDocument) else YamlDocument(content)


def _row(connection: Connection, resource_id: str, within: Scope) -> Document:
    only = Comparison(("id",), Operator.EQ, (resource_id,))
    rows, _ = find_resources(connection, Listing(only, limit=1), within)
    if not rows:
        raise UnknownResource(resource_id)
    return rows[0]
