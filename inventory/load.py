"""Load an inventory file: all of it or nothing, and the same file twice changes nothing."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError

from inventory import news
from inventory.expansion import ExpansionError, WantedPool, expand
from inventory.file_model import InventoryFile
from inventory.overlap import Claim, overlaps
from inventory.problems import InventoryFileError, Problem
from inventory.upsert import claims_elsewhere, lock_for_load, upsert
from inventory.writing import LoadReport, RefusedError

MAX_FILE_BYTES = 10_000_000
_NAME_FIELDS = ("key", "id", "name")


def load_file(connection: sa.Connection, path: Path) -> LoadReport:
    """Bring what ``path`` says into the database; see ``load_content``."""
    return load_content(connection, parsed_file(path), str(path))


def load_content(connection: sa.Connection, content: object, name: str) -> LoadReport:
    """Bring a file's parsed content into the database, inside the caller's transaction.

    What it does not name stays. Raises ``InventoryFileError``, which calls it ``name``, with every
    finding, having written nothing; an entry that a site holds is never deleted or changed.
    """
    wanted, pools = read_content(content, name)
    try:
        with connection.begin_nested():
            return _load(connection, name, wanted, pools)
    except RefusedError as refusal:
        raise InventoryFileError(name, refusal.problems) from refusal
    except IntegrityError as error:
        # Every rule is checked before with better words; this is the database's own last guard.
        diagnosis = getattr(error.orig, "diag", None)
        text = getattr(diagnosis, "message_detail", None) or str(error.orig)
        problem = Problem(entry="file", field="", text=text, fix="resolve the contradiction")
        raise InventoryFileError(name, [problem]) from error


def read_file(path: Path) -> tuple[InventoryFile, tuple[WantedPool, ...]]:
    """Parse, validate and expand a file without a database; raises ``InventoryFileError``."""
    return read_content(parsed_file(path), str(path))


def read_content(content: object, name: str) -> tuple[InventoryFile, tuple[WantedPool, ...]]:
    """Validate and expand a file's parsed content; raises ``InventoryFileError``."""
    if not isinstance(content, dict):
        fix = "start with keys such as sites:, devices: and pools:"
        raise _refused(name, "has no entries", fix)
    try:
        wanted = InventoryFile.model_validate(content)
    except ValidationError as error:
        raise InventoryFileError(name, _problems(error, content)) from error
    return wanted, _expanded(name, wanted)


def parsed_file(path: Path) -> object:
    """Return what a YAML file says, unchecked; raises ``InventoryFileError`` if it is none."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            text = f"is larger than {MAX_FILE_BYTES} bytes"
            raise _refused(str(path), text, "split it into several files")
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        text = f"cannot be read: {error}"
        raise _refused(str(path), text, "give a readable UTF-8 file") from error
    except yaml.YAMLError as error:
        raise _refused(str(path), f"is no YAML: {error}", "correct the syntax there") from error


def _refused(name: str, text: str, fix: str) -> InventoryFileError:
    return InventoryFileError(name, [Problem(entry="file", field="", text=text, fix=fix)])


def _load(
    connection: sa.Connection, name: str, wanted: InventoryFile, pools: tuple[WantedPool, ...]
) -> LoadReport:
    lock_for_load(connection, wanted, pools)
    problems = overlaps((*_claims(pools), *claims_elsewhere(connection, pools)))
    if problems:
        raise InventoryFileError(name, problems)
    with news.of_pools(connection, [entry.name for entry in pools]):
        return upsert(connection, wanted, pools)


def _problems(error: ValidationError, content: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(
            entry=_entry_name(found["loc"], content),
            field=".".join(map(str, found["loc"][2:])),
            text=found["msg"].removeprefix("Value error, "),
            fix=_FIXES.get(found["type"], "correct the value"),
        )
        for found in error.errors(include_url=False, include_input=False)
    ]


_FIXES = {
    "missing": "add the field",
    "extra_forbidden": "remove the field or correct its spelling",
    "string_pattern_mismatch": "use letters, digits and . _ : - only",
}


def _entry_name(location: tuple[int | str, ...], content: Mapping[str, Any]) -> str:
    section = str(location[0]) if location else "file"
    if len(location) < len(("section", "index")):
        return section
    label = f"{section}[{location[1]}]"
    entries = content.get(section)
    entry = None
    if isinstance(entries, list) and isinstance(location[1], int):
        entry = entries[location[1]]
    if isinstance(entry, dict):
        named = next((entry[field] for field in _NAME_FIELDS if field in entry), None)
        return label if named is None else f"{label} {named!r}"
    return label


def _expanded(name: str, wanted: InventoryFile) -> tuple[WantedPool, ...]:
    problems = [*_twice(wanted)]
    pools: dict[str, WantedPool] = {}
    for index, entry in enumerate(wanted.pools):
        label = f"pools[{index}] {entry.name!r}"
        try:
            for pool in expand(entry):
                if pool.name in pools:
                    text = f"pool {pool.name!r} is there twice"
                    problems.append(
                        Problem(entry=label, field="name", text=text, fix="give it another name")
                    )
                pools[pool.name] = pool
        except ExpansionError as error:
            problems.append(Problem(entry=label, field=error.field, text=error.text, fix=error.fix))
    if problems:
        raise InventoryFileError(name, problems)
    return tuple(pools.values())


def _twice(wanted: InventoryFile) -> Iterable[Problem]:
    sections: tuple[tuple[str, str, tuple[BaseModel, ...]], ...] = (
        ("customers", "id", wanted.customers),
        ("sites", "key", wanted.sites),
        ("devices", "name", wanted.devices),
    )
    for section, field, entries in sections:
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            key = str(getattr(entry, field))
            if key in seen:
                text = f"{key!r} is there twice"
                yield Problem(
                    entry=f"{section}[{index}] {key!r}", field=field, text=text, fix="keep one"
                )
            seen.add(key)


def _claims(pools: Iterable[WantedPool]) -> Iterable[Claim]:
    for pool in pools:
        for row in pool.resources:
            serial = row.attributes.get("serial")
            yield Claim(pool.name, row.value, row.scope, row.prefix, serial)
