"""The catalog in force: what is shipped together with what is kept in the database."""

import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any

import sqlalchemy as sa
import structlog

from rom.catalog.consistency import check_catalog
from rom.catalog.errors import CatalogError
from rom.catalog.loader import Catalog, parse_specification
from rom.catalog.specification import Specification
from rom.store import kept_specifications

LOOK_SECONDS = 0.5
"""Longest until a process knows of another's change."""

_log = structlog.get_logger(__name__)
_Named = tuple[str, Specification]


class LiveCatalog(Catalog):
    """A catalog that reads again when any process has changed it; thread-safe."""

    def __init__(self, engine: sa.Engine, shipped: Catalog) -> None:
        super().__init__(shipped.specifications())
        self._engine = engine
        self._shipped = shipped.specifications()
        self._lock = threading.Lock()
        self._number = -1
        self._looked = 0.0
        self.refresh()

    def specification(self, specification: str, version: str | None = None) -> Specification:
        """Return a specification as ``Catalog`` does, at most ``LOOK_SECONDS`` behind."""
        self._look()
        return super().specification(specification, version)

    def refresh(self) -> None:
        """Read what has changed; raises ``SpecificationFileError`` when it cannot be used."""
        with self._lock:
            self._looked = monotonic()
            with self._engine.connect() as connection:
                number = kept_specifications.change_number(connection)
                if number == self._number:
                    return
                specifications = combined(self._shipped, kept_specifications.kept(connection))
            check_catalog(specifications)
            self.replace(spec for _, spec in specifications)
            self._number = number

    def shipped(self) -> tuple[Specification, ...]:
        """Return what came with the release and from the operator's folder."""
        return self._shipped

    def _look(self) -> None:
        if monotonic() - self._looked < LOOK_SECONDS:
            return
        try:
            self.refresh()
        except (sa.exc.SQLAlchemyError, CatalogError) as error:
            # What is known goes on working; the next look tries again.
            _log.error("catalog cannot be read again", error=str(error)[:500])


def combined(shipped: Sequence[Specification], kept: Sequence[sa.Row[Any]]) -> list[_Named]:
    """Return every version with its source; a kept one replaces the shipped one of its name."""
    found = {(spec.id, spec.version): ("shipped", spec) for spec in shipped}
    for row in kept:
        source = f"database {row.id} {row.version}"
        spec = parse_specification(source, dict(row.specification))
        if row.withdrawn:
            spec = spec.model_copy(update={"lifecycleStatus": "Retired"})
        found[row.id, row.version] = (source, spec)
    return list(found.values())
