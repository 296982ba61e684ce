"""Where errors of inventory, adapters and the database become ours (``rom.model.errors``).

Nothing that inventory or an adapter raises leaves the facade by its own name. A database that does
not answer is told where callers go on without it: admission and the waking of followers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

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
from rom.store.database import DatabaseAway, DatabaseError
from rom.store.room import DISK_FULL

__all__ = [
    "DatabaseError",
    "again_when_crossed",
    "asking_database",
    "configuring",
    "database_refusal",
    "loading",
    "reaching_devices",
    "reserving",
    "searching",
]

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")
_CROSSED = frozenset({"40P01", "40001"})
_CROSSINGS = 3
_MOST_PROBLEMS = 20
"""Findings told besides the first."""


@contextmanager
def asking_database() -> Iterator[None]:
    """Raise ``DatabaseUnavailable`` for whatever went wrong in or on the way to the database."""
    try:
        yield
    except DatabaseError as error:
        log.warning("database.away", where="access", error=type(error).__name__)
        raise DatabaseUnavailable("its database does not answer", field="gateway") from error


def database_refusal(error: DatabaseError) -> DatabaseUnavailable | None:
    """Return what an error of the database means to a caller.

    ``None`` for one that the database has answered with because of what we asked: a fault of ours.
    Nothing has been written in either case.
    """
    if not isinstance(error, DatabaseAway):
        return None
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    log.warning("database.away", where="request", error=type(error).__name__, sqlstate=state)
    if state == DISK_FULL:
        return DatabaseUnavailable(
            "its database has no room left", field="gateway", mend="Ask the operator for disk space"
        )
    if state in _CROSSED:
        return DatabaseUnavailable(
            "somebody else changed the same at this moment", field="gateway", mend="Send it again"
        )
    return DatabaseUnavailable("its database does not answer", field="gateway")


def again_when_crossed(work: Callable[[], Answer]) -> Answer:
    """Return what ``work`` does in a transaction of its own.

    Where transactions cross, the database ends one of them (SQLSTATE 40P01, 40001); that one is
    done again.
    """
    for _ in range(_CROSSINGS):
        try:
            return work()
        except DatabaseAway as error:
            if getattr(getattr(error, "orig", None), "sqlstate", None) not in _CROSSED:
                raise
            log.info("database.crossed")
    return work()


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
        problems = [problem.model_dump(exclude_none=True) for problem in error.problems]
        raise InventoryRefused(field, first.text, told, str(error), problems) from error


@contextmanager
def configuring(setting: str) -> Iterator[None]:
    """Raise ``Misconfigured`` for files and values that the gateway cannot start with."""
    try:
        yield
    except (CatalogError, LabImportError, ProfileError, ValueError) as error:
        raise Misconfigured(str(error), field=setting) from error
