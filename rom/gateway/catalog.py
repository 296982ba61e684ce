"""Catalog: specifications as TMF634 has them, to read and for administrators to change."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inventory.conditions import Listing
from inventory.kinds import KINDS
from inventory.load import read_file
from rom.catalog.administration import CatalogAdministration
from rom.catalog.fitness import unknown_kinds
from rom.catalog.loader import load_catalog
from rom.catalog.published import BASE_PATH
from rom.documents.patching import PatchKind
from rom.gateway.seam import configuring, loading, searching
from rom.model.deed import Actor
from rom.model.errors import UnknownSpecificationId

__all__ = ["BASE_PATH", "Catalog", "UsableFile", "check_folder"]

Document = dict[str, Any]


@dataclass(frozen=True)
class Catalog:
    """What is done with specifications. Thread-safe; methods block."""

    administration: CatalogAdministration

    def page(self, asked: Listing) -> tuple[list[Document], int]:
        """Return a page of specifications and how many match in all; raises ``SearchRefused``.

        The version in force of each; every version when the condition is about versions.
        """
        with searching():
            return self.administration.specifications(asked)

    def find(self, identifier: str, version: str | None = None) -> Document:
        """Return a specification, in the version in force unless one is given.

        Raises ``UnknownSpecificationId``.
        """
        return _there(identifier, self.administration.specification(identifier, version))

    def create(self, document: object, *, by: Actor) -> Document:
        """Make a specification; raises ``DocumentRefused`` and ``SpecificationInUse``."""
        return self.administration.create(document, by)

    def change(
        self, identifier: str, version: str | None, kind: PatchKind, patch: object, *, by: Actor
    ) -> Document:
        """Change a specification; once it has been ordered, a new version is made.

        Raises ``UnknownSpecificationId``, ``PatchRefused``, ``DocumentRefused`` and
        ``SpecificationInUse``.
        """
        changed = self.administration.change(identifier, version, kind, patch, by)
        return _there(identifier, changed)

    def withdraw(self, identifier: str, *, by: Actor) -> None:
        """Withdraw a specification that no site uses and no open order names.

        Raises ``UnknownSpecificationId`` and ``SpecificationInUse``.
        """
        if not self.administration.withdraw(identifier, by):
            raise UnknownSpecificationId(identifier)


@dataclass(frozen=True, slots=True)
class UsableFile:
    """A specification's file that a gateway would take."""

    file: str
    name: str
    version: str
    unserved: tuple[tuple[str, str], ...]
    """Fields that name a role which no device of the inventory has yet, with words for it."""


def check_folder(folder: Path, inventory: Path | None) -> tuple[UsableFile, ...]:
    """Judge a folder of specifications as the gateway does when it starts; nothing is kept.

    With an inventory file its kinds of resource and its devices count too. Raises
    ``Misconfigured`` with file, field and mend, and ``InventoryRefused``.
    """
    with configuring(""), loading():
        catalog = load_catalog(folder)
        own = [(file, spec) for file, spec in catalog.sources if Path(file).parent == folder]
        served = None
        if inventory is not None:
            stock, pools = read_file(inventory)
            for finding in unknown_kinds(own, {*KINDS, *(pool.kind for pool in pools)}):
                raise finding.error()
            served = stock.profiles_by_role()
    return tuple(
        UsableFile(
            file,
            spec.id,
            spec.version,
            () if served is None else tuple(catalog.fitness.unserved(spec, served)),
        )
        for file, spec in own
    )


def _there(identifier: str, found: Document | None) -> Document:
    if found is None:
        raise UnknownSpecificationId(identifier)
    return found
