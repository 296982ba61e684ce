"""Load an inventory file: all of it or nothing, and the same file twice changes nothing."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
import yaml
from sqlalchemy.exc import IntegrityError

from device_profiles.bounded_yaml import Document, read_document
from inventory import news
from inventory.expansion import WantedPool
from inventory.file_model import InventoryFile
from inventory.in_service import ServiceChange, changes_in_service, roles_in_use
from inventory.names import unfit_names
from inventory.overlap import Claim, overlaps
from inventory.problems import (
    MOST_PROBLEMS,
    InventoryFileError,
    Problem,
    place_of,
)
from inventory.reading import Reading, read
from inventory.references import wrong_references
from inventory.upsert import Difference, claims_elsewhere, compare, lock_for_load
from inventory.writing import LoadPreview, LoadReport

MAX_FILE_BYTES = 10_000_000


def load_file(connection: sa.Connection, path: Path) -> LoadReport:
    """Bring what ``path`` says into the database; see ``load_content``. Findings name lines."""
    document = parsed_file(path)
    with telling_lines(document):
        return load_content(connection, document.value, str(path))


def load_content(
    connection: sa.Connection, content: object, name: str, asked: Collection[str] = ()
) -> LoadReport:
    """Bring a file's parsed content into the database, inside the caller's transaction.

    What it does not name stays, also of the network's parameters. Raises ``InventoryFileError``,
    which calls it ``name``, with every finding, having written nothing; an entry that a site holds
    is never deleted, and changed only, as is what its devices would not follow, where the change is
    ``asked`` for by its name. The caller then plans the services of the sites in ``replanned``.
    """
    reading = read(content, name)
    try:
        with connection.begin_nested():
            difference, sites = _judged(connection, name, reading, asked)
            with news.of_pools(connection, [entry.name for entry in reading.pools]):
                difference.write(connection)
    except IntegrityError as error:
        # Every rule is checked before with better words; this is the database's own last guard.
        diagnosis = getattr(error.orig, "diag", None)
        text = getattr(diagnosis, "message_detail", None) or str(error.orig)
        problem = Problem(entry="file", field="", text=text, fix="resolve the contradiction")
        raise InventoryFileError(name, [problem]) from error
    return _report(difference, sites)


def preview_content(
    connection: sa.Connection, content: object, name: str, asked: Collection[str] = ()
) -> LoadPreview:
    """Return what ``load_content`` would do, having written nothing; raises as it does."""
    difference, sites = _judged(connection, name, read(content, name), asked)
    report = _report(difference, sites)
    return LoadPreview(**report.model_dump(), changes=tuple(difference.changes()))


def read_file(path: Path) -> tuple[InventoryFile, tuple[WantedPool, ...]]:
    """Parse, validate and expand a file without a database; raises ``InventoryFileError``."""
    document = parsed_file(path)
    with telling_lines(document):
        return read_content(document.value, str(path))


def read_content(content: object, name: str) -> tuple[InventoryFile, tuple[WantedPool, ...]]:
    """Validate and expand a file's parsed content; raises ``InventoryFileError``."""
    reading = read(content, name)
    if reading.problems:
        raise InventoryFileError(name, reading.problems)
    return reading.file, reading.pools


def parsed_file(path: Path) -> Document:
    """Return what a YAML file says, unchecked; raises ``InventoryFileError`` if it is none."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            text = f"is larger than {MAX_FILE_BYTES} bytes"
            raise _refused(str(path), text, "split it into several files")
        return read_document(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        text = f"cannot be read: {error}"
        raise _refused(str(path), text, "give a readable UTF-8 file") from error
    except yaml.YAMLError as error:
        raise _refused(str(path), f"is no YAML: {error}", "correct the syntax there") from error


@contextmanager
def telling_lines(document: Document) -> Iterator[None]:
    """Let the findings of the block name the lines of the document they are in."""
    try:
        yield
    except InventoryFileError as error:
        told = [
            problem.model_copy(update={"line": document.line(place_of(problem.pointer))})
            if problem.pointer
            else problem
            for problem in error.problems
        ]
        raise InventoryFileError(error.file, told) from error


def _refused(name: str, text: str, fix: str) -> InventoryFileError:
    return InventoryFileError(name, [Problem(entry="file", field="", text=text, fix=fix)])


def _report(difference: Difference, sites: Collection[str]) -> LoadReport:
    return difference.report().model_copy(update={"replanned": dict.fromkeys(sites, ())})


def _judged(
    connection: sa.Connection, name: str, reading: Reading, asked: Collection[str]
) -> tuple[Difference, list[str]]:
    """Return what is to be written, and the sites whose services follow what was asked for.

    Raises ``InventoryFileError`` with all that speaks against it.
    """
    lock_for_load(connection, reading.file, reading.pools)
    difference = compare(connection, reading)
    entries, pools = difference.entries, difference.pools
    found = list(changes_in_service(connection, reading, entries, pools, asked))
    problems = [
        *reading.problems,
        *wrong_references(connection, reading),
        *unfit_names(connection, reading),
        *(change.problem for change in found if change.problem and change.name not in asked),
        *_unknown(found, asked),
        *roles_in_use(connection, reading, entries),
        *(
            _placed(reading, overlap)
            for overlap in overlaps(
                (*_claims(reading.pools), *claims_elsewhere(connection, reading))
            )
        ),
        *difference.problems,
    ]
    if problems:
        raise InventoryFileError(name, problems[:MOST_PROBLEMS])
    pools.accept(asked)
    sites = {site for change in found if change.name in asked for site in change.sites}
    return difference, sorted(sites)


def _unknown(found: Collection[ServiceChange], asked: Collection[str]) -> Iterator[Problem]:
    for name in sorted(set(asked) - {change.name for change in found}):
        text = "the file changes nothing of that name at a site with services"
        fix = "leave it out, or name a change as the refusal or a dry run calls it"
        yield Problem(entry="replace", field=name, text=text, fix=fix)


def _placed(reading: Reading, found: Problem) -> Problem:
    """Return an overlap with its place, where it is one of the file's pools."""
    index = reading.places["pools"].get(found.entry.removeprefix("pool ").strip("'\""))
    return found if index is None else found.model_copy(update={"pointer": f"/pools/{index}"})


def _claims(pools: Iterable[WantedPool]) -> Iterable[Claim]:
    for pool in pools:
        for row in pool.resources:
            serial = row.attributes.get("serial")
            text = serial if isinstance(serial, str) else None
            yield Claim(pool.name, row.value, row.scope, row.prefix, text)
