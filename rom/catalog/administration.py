"""TMF634 resource specifications: shown from the catalog in force, changed in the database."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inventory.conditions import Comparison, Each, Listing
from rom.catalog.errors import CatalogError, SpecificationFileError
from rom.catalog.live import LiveCatalog, combined
from rom.catalog.loader import parse_specification
from rom.catalog.published import READ_ONLY, extra_members, published, specification_content
from rom.catalog.specification import Specification
from rom.documents.patching import PatchKind, patched
from rom.events.specifications import tell
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import DocumentRefused, SpecificationInUse
from rom.model.event_types import SpecificationEventType as EventType
from rom.store import kept_specifications
from rom.store.database import Connection, Engine
from rom.trail import trail

Document = dict[str, Any]
_SHIPPED_AT = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
_BEHAVIOUR = ("key", "resource_type", "characteristics", "derive", "reserve", "configure",
              "preconditions", "steps")  # fmt: skip
"""What decides how an item is judged and fulfilled, so that it never changes under an order."""


class CatalogAdministration:
    """What the API shows of specifications and lets administrators change. Thread-safe."""

    def __init__(self, engine: Engine, catalog: LiveCatalog, base_url: str) -> None:
        self._engine = engine
        self._catalog = catalog
        self._base_url = base_url

    def specifications(self, asked: Listing) -> tuple[list[Document], int]:
        """Return a page of specifications and how many match in all.

        The version in force of each; every version when the condition is about versions. Raises
        ``ListingRefused``.
        """
        self._catalog.follow()
        with self._engine.begin() as connection:
            documents = self._documents(connection, every=_asks_for_versions(asked.condition))
            return kept_specifications.page(connection, documents, asked)

    def specification(self, identifier: str, version: str | None = None) -> Document | None:
        """Return one, in the version in force unless another is asked for; or ``None``."""
        self._catalog.follow()
        with self._engine.connect() as connection:
            return self._find(connection, identifier, version)

    def create(self, body: object, by: Actor = GATEWAY) -> Document:
        """Make a specification, or a further version of one.

        Raises ``DocumentRefused`` and ``SpecificationInUse``; nothing is written then.
        """
        if not isinstance(body, dict):
            raise DocumentRefused("body", "is no object")
        document = {name: value for name, value in body.items() if name not in ("id", "href")}
        with self._engine.begin() as connection:
            kept_specifications.change_number(connection, lock=True)
            spec = self._judged(connection, document)
            self._refuse_existing(connection, spec)
            made = self._write(connection, spec, extra_members(document), EventType.CREATE)
            _record(connection, by, DeedKind.SPECIFICATION_CREATED, made)
        self._catalog.follow()
        return made

    def change(
        self,
        identifier: str,
        version: str | None,
        kind: PatchKind,
        patch: object,
        by: Actor = GATEWAY,
    ) -> Document | None:
        """Patch a specification and return it, or ``None`` where there is none.

        What decides about orders is never changed under one: then there is a new version. Raises
        ``PatchRefused``, ``DocumentRefused`` and ``SpecificationInUse``.
        """
        with self._engine.begin() as connection:
            kept_specifications.change_number(connection, lock=True)
            self._catalog.follow()
            before = self._find(connection, identifier, version)
            if before is None:
                return None
            after = patched(before, kind, patch)
            for name in READ_ONLY:
                if before.get(name) != after.get(name):
                    raise DocumentRefused(name, "is read-only")
            present = self._catalog.specification(identifier, before["version"])
            spec = self._judged(connection, after)
            if spec.version != present.version:
                self._refuse_existing(connection, spec)
            elif _behaviour(spec) != _behaviour(present) and kept_specifications.was_ordered(
                connection, identifier, present.version
            ):
                spec = self._judged(connection, after | {"version": self._next(present)})
            changed = self._write(connection, spec, extra_members(after), EventType.CHANGE)
            _record(connection, by, DeedKind.SPECIFICATION_CHANGED, changed)
        self._catalog.follow()
        return changed

    def withdraw(self, identifier: str, by: Actor = GATEWAY) -> bool:
        """Withdraw every version; ``False`` where there is none.

        Raises ``SpecificationInUse`` while open orders or sites in force use it.
        """
        with self._engine.begin() as connection:
            kept_specifications.change_number(connection, lock=True)
            self._catalog.follow()
            shown = self._find(connection, identifier, None)
            if shown is None:
                return False
            using = kept_specifications.users(connection, identifier)
            if using:
                raise SpecificationInUse(f"{identifier} is used at {', '.join(using)}")
            extras = {
                row.version: row.published
                for row in kept_specifications.kept(connection)
                if row.id == identifier
            }
            for spec in self._versions(identifier):
                content = spec.model_dump(mode="json")
                extra = extras.get(spec.version, {})
                kept_specifications.keep(connection, content, extra, withdrawn=True)
            kept_specifications.count_change(connection)
            tell(connection, EventType.DELETE, shown)
            _record(connection, by, DeedKind.SPECIFICATION_WITHDRAWN, shown)
        self._catalog.follow()
        return True

    def _judged(self, connection: Connection, document: Mapping[str, Any]) -> Specification:
        """Judge a document as a file of the catalog is judged, in itself and among the others."""
        content = specification_content(document)
        try:
            spec = parse_specification("body", content)
            others = [
                entry
                for entry in combined(self._catalog.shipped(), kept_specifications.kept(connection))
                if (entry[1].id, entry[1].version) != (spec.id, spec.version)
            ]
            self._catalog.check(connection, spec, others)
        except SpecificationFileError as error:
            raise DocumentRefused(_published_field(error.field), error.problem) from error
        except CatalogError as error:
            raise DocumentRefused("body", str(error)) from error
        return spec

    def _refuse_existing(self, connection: Connection, spec: Specification) -> None:
        shown = self._find(connection, spec.id, spec.version)
        if shown is not None:
            raise SpecificationInUse(f"{spec.id} {spec.version} is there already")
        if kept_specifications.was_ordered(connection, spec.id, spec.version):
            raise SpecificationInUse(f"{spec.id} {spec.version} has been ordered; use another")

    def _next(self, present: Specification) -> str:
        """Return a version above all there are, withdrawn ones too."""
        highest = max(spec.version_order for spec in self._versions(present.id))
        return ".".join(str(part) for part in (*highest[:-1], highest[-1] + 1))

    def _versions(self, identifier: str) -> list[Specification]:
        return [spec for spec in self._catalog.specifications() if spec.id == identifier]

    def _write(
        self,
        connection: Connection,
        spec: Specification,
        extra: Mapping[str, Any],
        event_type: EventType,
    ) -> Document:
        content = spec.model_dump(mode="json")
        row = kept_specifications.keep(connection, content, extra)
        kept_specifications.count_change(connection)
        shown = published(spec, extra, row.updated_at, self._base_url)
        tell(connection, event_type, shown)
        return shown

    def _find(
        self, connection: Connection, identifier: str, version: str | None
    ) -> Document | None:
        documents = [
            document
            for document in self._documents(connection, every=version is not None)
            if document["id"] == identifier and version in (None, document["version"])
        ]
        return documents[0] if documents else None

    def _documents(self, connection: Connection, *, every: bool) -> list[Document]:
        kept = {(row.id, row.version): row for row in kept_specifications.kept(connection)}
        shown: dict[str, list[Document]] = {}
        in_force: dict[str, tuple[Any, Document]] = {}
        for _, spec in combined(self._catalog.shipped(), list(kept.values())):
            row = kept.get((spec.id, spec.version))
            if row is not None and row.withdrawn:
                continue
            extra, updated = (row.published, row.updated_at) if row else ({}, _SHIPPED_AT)
            document = published(spec, extra, updated, self._base_url)
            shown.setdefault(spec.id, []).append(document)
            rank = (spec.orderable, spec.version_order)
            if spec.id not in in_force or rank > in_force[spec.id][0]:
                in_force[spec.id] = (rank, document)
        if every:
            return [document for documents in shown.values() for document in documents]
        return [document for _, document in in_force.values()]


def _record(connection: Connection, by: Actor, kind: DeedKind, shown: Document) -> None:
    details = {"version": str(shown["version"])}
    trail.record(connection, by, kind, subject=str(shown["id"]), details=details)


def _behaviour(spec: Specification) -> Document:
    return spec.model_dump(mode="json", include=set(_BEHAVIOUR))


def _asks_for_versions(condition: Any) -> bool:
    if isinstance(condition, Comparison | Each):
        return condition.path[0] == "version"
    return any(_asks_for_versions(part) for part in condition.conditions)


def _published_field(field: str) -> str:
    """Return what TMF634 calls a field of a specification file."""
    first, _, rest = field.partition(".")
    name = first.partition("[")[0]
    if name == "characteristics":
        words = {"pattern": "regex", "type": "valueType", "required": "minCardinality"}
        shown = first.replace(name, "resourceSpecCharacteristic", 1)
        return f"{shown}.{words.get(rest, rest)}" if rest else shown
    if name in ("derive", "reserve", "configure", "preconditions", "steps", "key"):
        return f"fulfilment.{field}"
    return field.replace("resource_type", "fulfilment.resourceType", 1)
