"""What a client may change of a TMF639 resource, and how it is kept beside the inventory."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from rom.model.dates import date_text
from rom.model.errors import ChangeRefused
from rom.resources.documents import READ_ONLY, own_characteristics

_ADMINISTRATIVE = ("locked", "unlocked", "shutdown")
_TEXTS = ("description", "@type", "@baseType", "@schemaLocation", "resourceVersion")
_LISTS = {
    "note": "text",
    "relatedParty": "id",
    "attachment": None,
    "resourceCharacteristic": "name",
}
"""Arrays of objects, each with the member without which an element means nothing."""
_MOST_MEMBERS = 100


def annotated(
    row: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is to be kept of a change from the document ``before`` to ``after``.

    ``row`` is inventory's. Raises ``ChangeRefused`` for an attribute that inventory or the orders
    decide, and for a value that the attribute cannot have.
    """
    said = dict(row.get("annotation") or {})
    for name in sorted({*before, *after}):
        if before.get(name) == after.get(name):
            continue
        if name in READ_ONLY:
            raise ChangeRefused(
                name, "is read-only: inventory and the orders decide it", "Leave it as it is"
            )
        if name not in after:
            said.pop(name, None)
            continue
        _check(name, after[name])
        said[name] = after[name]
    if "resourceCharacteristic" in said:
        said["resourceCharacteristic"] = _extension(row, said["resourceCharacteristic"])
    if "note" in said:
        said["note"] = [_note(entry) for entry in said["note"]]
    return said


def _check(name: str, value: object) -> None:
    if name == "administrativeState" and value not in _ADMINISTRATIVE:
        raise ChangeRefused(name, "has no such value", f"Use one of {', '.join(_ADMINISTRATIVE)}")
    if name in _TEXTS and not (isinstance(value, str) and value.strip()):
        raise ChangeRefused(name, "is no text", "Give text, or null to remove it")
    if name not in _LISTS:
        return
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ChangeRefused(name, "is no array of objects", "Give the whole array")
    if len(value) > _MOST_MEMBERS:
        raise ChangeRefused(name, "is too long", f"Give at most {_MOST_MEMBERS}")
    needed = _LISTS[name]
    for index, entry in enumerate(value):
        if needed and not (isinstance(entry.get(needed), str) and entry[needed].strip()):
            raise ChangeRefused(f"{name}[{index}].{needed}", "is missing", "Give text")


def _extension(row: Mapping[str, Any], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the characteristics that are not inventory's; its own may be repeated, not changed."""
    own = {entry["name"]: entry["value"] for entry in own_characteristics(row)}
    found: dict[str, dict[str, Any]] = {}
    for entry in given:
        name = entry["name"]
        if "value" not in entry:
            raise ChangeRefused(f"resourceCharacteristic[{name}].value", "is missing", "Give it")
        if name not in own:
            found[name] = entry
        elif entry["value"] != own[name]:
            raise ChangeRefused(
                f"resourceCharacteristic[{name}]", "is read-only: inventory decides it",
                "Leave it as it is or out",
            )  # fmt: skip
    return list(found.values())


def _note(entry: dict[str, Any]) -> dict[str, Any]:
    return {"id": uuid4().hex[:12], "date": date_text(datetime.now(UTC)), **entry}
