"""The catalog in force: the files together with what is kept in the database.

Both are followed while the gateway runs, and so are the platforms that they are judged by.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from time import monotonic
from typing import Any

import sqlalchemy as sa
import structlog

from inventory import queries
from rom.catalog.consistency import check_catalog
from rom.catalog.errors import CatalogError
from rom.catalog.fitness import Finding, Named, unknown_kinds
from rom.catalog.loader import Catalog, FileCatalog, parse_specification
from rom.catalog.specification import Specification
from rom.store import kept_specifications

LOOK_SECONDS = 0.5
"""Longest until a process knows of another's change."""

_log = structlog.get_logger(__name__)


class LiveCatalog(Catalog):
    """A catalog that reads again when a file or any process has changed it; thread-safe."""

    def __init__(self, engine: sa.Engine, files: FileCatalog) -> None:
        super().__init__(files.specifications())
        self._engine = engine
        self._files = files
        self._lock = threading.Lock()
        self._number = -1
        self._looked = 0.0
        self._said: frozenset[Finding] = frozenset()
        self.refresh()

    def specification(self, specification: str, version: str | None = None) -> Specification:
        """Return a specification as ``Catalog`` does, at most ``LOOK_SECONDS`` behind."""
        self._look()
        return super().specification(specification, version)

    def refresh(self) -> None:
        """Read what has changed; raises ``CatalogError`` when it cannot be used.

        What is kept in the database was judged when it was taken. Where a platform has changed
        since, that is said in the log and the rest of the catalog goes on.
        """
        with self._lock:
            self._looked = monotonic()
            changed = self._files.reload()
            with self._engine.connect() as connection:
                number = kept_specifications.change_number(connection)
                if number == self._number and not changed:
                    return
                specifications = combined(
                    self._files.specifications(), kept_specifications.kept(connection)
                )
            check_catalog(specifications)
            self.replace(spec for _, spec in specifications)
            self._number = number
            self._say(self._files.fitness.findings(specifications))

    def shipped(self) -> tuple[Specification, ...]:
        """Return what came with the release and from the operator's folder."""
        return self._files.specifications()

    def check_kinds(self) -> None:
        """Raise ``SpecificationFileError`` for a file that reserves what inventory has none of."""
        with self._engine.connect() as connection:
            known = queries.known_kinds(connection)
        for finding in unknown_kinds(self._files.sources, known):
            raise finding.error()

    def check(self, connection: sa.Connection, spec: Specification, others: list[Named]) -> None:
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

    def _say(self, findings: Iterable[Finding]) -> None:
        found = frozenset(findings)
        for finding in found - self._said:
            _log.error("catalog.unfit", **asdict(finding))
        self._said = found

    def _look(self) -> None:
        if monotonic() - self._looked < LOOK_SECONDS:
            return
        try:
            self.refresh()
        except (sa.exc.SQLAlchemyError, CatalogError) as error:
            # What is known goes on working; the next look tries again.
            _log.error("catalog cannot be read again", error=str(error)[:500])


def combined(shipped: Sequence[Specification], kept: Sequence[sa.Row[Any]]) -> list[Named]:
    """Return every version with its source; a kept one replaces the shipped one of its name."""
    found = {(spec.id, spec.version): ("shipped", spec) for spec in shipped}
    for row in kept:
        source = f"database {row.id} {row.version}"
        spec = parse_specification(source, dict(row.specification))
        if row.withdrawn:
            spec = spec.model_copy(update={"lifecycleStatus": "Retired"})
        found[row.id, row.version] = (source, spec)
    return list(found.values())
