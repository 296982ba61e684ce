"""The catalog in force: the files together with what is kept in the database.

Both are followed while the gateway runs, and so are the platforms that they are judged by.
"""

import threading
from collections.abc import Sequence
from dataclasses import asdict
from time import monotonic

import structlog

from inventory import queries
from rom.catalog.consistency import check_catalog
from rom.catalog.errors import CatalogError
from rom.catalog.fitness import Finding, Named, unknown_kinds
from rom.catalog.loader import Catalog, FileCatalog, parse_specification
from rom.catalog.specification import Specification
from rom.model.kept_specification import KeptSpecification
from rom.store import kept_specifications
from rom.store.database import Connection, DatabaseError, Engine

LOOK_SECONDS = 0.5
"""Longest until a process knows of another's change."""

_log = structlog.get_logger(__name__)


class LiveCatalog(Catalog):
    """A catalog that reads again when a file or any process has changed it; thread-safe."""

    def __init__(self, engine: Engine, files: FileCatalog) -> None:
        super().__init__(files.specifications())
        self._engine = engine
        self._files = files
        self._lock = threading.Lock()
        self._number = -1
        self._looked = 0.0
        self._stale = False
        self._complained = ""
        self._said: frozenset[Finding] = frozenset()
        self.refresh()

    def specification(self, specification: str, version: str | None = None) -> Specification:
        """Return a specification as ``Catalog`` does, at most ``LOOK_SECONDS`` behind."""
        self._look()
        return super().specification(specification, version)

    def refresh(self) -> None:
        """Read what has changed; raises ``CatalogError`` when a file cannot be used.

        What is kept in the database was judged when it was taken. Where a platform has changed
        since, that is said in the log and the rest of the catalog goes on.
        """
        with self._lock:
            self._stale |= self._files.reload()
            self._read()

    def follow(self) -> None:
        """Read what has changed; what cannot be used is said in the log and stays as it was."""
        with self._lock:
            self._looked = monotonic()
            try:
                self._stale |= self._files.reload()
            except CatalogError as error:
                self._complain(str(error))
            else:
                self._complained = ""
            try:
                self._read()
            except (DatabaseError, CatalogError) as error:
                _log.error("catalog.unread", error=_said(error))

    def _read(self) -> None:
        with self._engine.connect() as connection:
            number = kept_specifications.change_number(connection)
            if number == self._number and not self._stale:
                return
            kept = kept_specifications.kept(connection)
        specifications = combined(self._files.specifications(), kept)
        check_catalog(specifications)
        self.replace(spec for _, spec in specifications)
        self._number, self._stale = number, False
        found = frozenset(self._files.fitness.findings(specifications))
        for finding in found - self._said:
            _log.error("catalog.unfit", **asdict(finding))
        self._said = found

    def _complain(self, words: str) -> None:
        """Say once what is wrong with the files, however often it is looked at."""
        if words != self._complained:
            _log.error("catalog.refused", error=words[:500])
        self._complained = words

    def shipped(self) -> tuple[Specification, ...]:
        """Return what came with the release and from the operator's folder."""
        return self._files.specifications()

    def check_kinds(self) -> None:
        """Raise ``SpecificationFileError`` for a file that reserves what inventory has none of."""
        with self._engine.connect() as connection:
            known = queries.known_kinds(connection)
        for finding in unknown_kinds(self._files.sources, known):
            raise finding.error()

    def check(self, connection: Connection, spec: Specification, others: list[Named]) -> None:
        """Judge one specification as files are judged; raises ``SpecificationFileError``.

        Its file is called ``body``. What no device can take yet is said in the log.
        """
        loaded = [*others, ("body", spec)]
        check_catalog(loaded)
        fitness = self._files.fitness
        kinds = unknown_kinds([("body", spec)], queries.known_kinds(connection))
        for finding in (*fitness.findings(loaded), *kinds):
            if finding.file == "body":
                raise finding.error()
        for field, problem in fitness.unserved(spec, queries.profiles_by_role(connection)):
            _log.warning("catalog.unserved", specification=spec.id, field=field, problem=problem)

    def _look(self) -> None:
        if monotonic() - self._looked >= LOOK_SECONDS:
            self.follow()


def combined(shipped: Sequence[Specification], kept: Sequence[KeptSpecification]) -> list[Named]:
    """Return every version with its source; a kept one replaces the shipped one of its name."""
    found = {(spec.id, spec.version): ("shipped", spec) for spec in shipped}
    for row in kept:
        source = f"database {row.id} {row.version}"
        spec = parse_specification(source, dict(row.specification))
        if row.withdrawn:
            spec = spec.model_copy(update={"lifecycleStatus": "Retired"})
        found[row.id, row.version] = (source, spec)
    return list(found.values())


def _said(error: Exception) -> str:
    """Return an error's words; those of a database quote statements and values."""
    return type(error).__name__ if isinstance(error, DatabaseError) else str(error)[:500]
