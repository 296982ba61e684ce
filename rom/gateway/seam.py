"""Where errors of inventory, adapters and the database become ours (``rom.model.errors``).

Nothing that inventory or an adapter raises leaves the facade by its own name. A database that does
not answer is told where callers go on without it: admission and the waking of followers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from adapters.errors import AdapterError
from device_profiles.errors import ProfileError
from inventory.conditions import ListingRefused
from inventory.lab_import import LabImportError
from inventory.model import ResourceExhausted
from inventory.problems import InventoryFileError
from rom.catalog.errors import CatalogError
from rom.model.errors import (
    DatabaseUnavailable,
    DeviceFailed,
    InventoryRefused,
    Misconfigured,
    NotEnough,
    SearchRefused,
)
from rom.store.database import DatabaseError

log = structlog.get_logger(__name__)

_MOST_PROBLEMS = 20
"""Findings told besides the first."""


@contextmanager
def asking_database() -> Iterator[None]:
    """Raise ``DatabaseUnavailable`` for whatever went wrong in or on the way to the database."""
    try:
        yield
    except DatabaseError as error:
        log.warning("database does not answer", error=type(error).__name__)
        raise DatabaseUnavailable("its database does not answer", field="gateway") from error


@contextmanager
def searching() -> Iterator[None]:
    """Raise ``SearchRefused`` for a filter that the database cannot answer."""
    try:
        yield
    except ListingRefused as error:
        raise SearchRefused(str(error)) from error


@contextmanager
def reserving(field: str, mend: str) -> Iterator[None]:
    """Raise ``NotEnough`` when a pool has too little left; ``field`` is what asked for it."""
    try:
        yield
    except ResourceExhausted as error:
        raise NotEnough(str(error), field=field, mend=mend) from error


@contextmanager
def reaching_devices() -> Iterator[None]:
    """Raise ``DeviceFailed`` for what an adapter or a missing device raises."""
    try:
        yield
    except AdapterError as error:
        raise DeviceFailed(str(error), code=error.reason) from error


@contextmanager
def loading() -> Iterator[None]:
    """Raise ``InventoryRefused`` with every finding, the first as field and reason."""
    try:
        yield
    except InventoryFileError as error:
        first, *others = error.problems
        told = [first.fix, *(str(problem) for problem in others[:_MOST_PROBLEMS])]
        if len(others) > _MOST_PROBLEMS:
            told.append(f"and {len(others) - _MOST_PROBLEMS} more")
        field = f"{first.entry}, {first.field}" if first.field else first.entry
        raise InventoryRefused(field, first.text, told, str(error)) from error


@contextmanager
def configuring(setting: str) -> Iterator[None]:
    """Raise ``Misconfigured`` for files and values that the gateway cannot start with."""
    try:
        yield
    except (CatalogError, LabImportError, ProfileError, ValueError) as error:
        raise Misconfigured(str(error), field=setting) from error
