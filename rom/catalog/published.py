"""Specifications as TMF634 v4.1 documents, and back.

What TMF634 has no word for travels as extension members with a type of their own: ``fulfilment``
on the specification (key, resources to reserve, roles to configure, preconditions, steps) and
``romType`` on a characteristic (``bandwidth`` and ``enum`` besides the standard's types).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rom.catalog.bandwidth import Bandwidth
from rom.catalog.specification import Characteristic, Specification
from rom.model.dates import date_text
from rom.model.errors import DocumentRefused

BASE_PATH = "/tmf-api/resourceCatalog/v4/resourceSpecification"
READ_ONLY = ("id", "href", "isBundle", "lastUpdate")
_FULFILMENT = ("derive", "reserve", "configure", "preconditions", "steps")
_OWN = {
    *READ_ONLY, "name", "version", "description", "category", "lifecycleStatus",
    "resourceSpecCharacteristic", "fulfilment",
}  # fmt: skip
_OWN_OF_CHARACTERISTIC = {
    "name", "description", "valueType", "minCardinality", "maxCardinality", "regex", "romType",
    "resourceSpecCharacteristicValue", "configurable", "extensible", "isUnique",
}  # fmt: skip
_FRACTIONS = {"valueFrom": "romValueFrom", "valueTo": "romValueTo"}
_VALUE_TYPES = {"enum": "string", "bandwidth": "string"}


def published(
    spec: Specification, extra: Mapping[str, Any], updated: datetime, base_url: str
) -> dict[str, Any]:
    """Return the TMF634 document; ``extra`` is what ``extra_members`` found in it once."""
    own = dict(extra.get("characteristics", {}))
    return {
        "id": spec.id,
        "href": f"{base_url}{BASE_PATH}/{spec.id}",
        "name": spec.name,
        "version": spec.version,
        "description": spec.description,
        "category": f"{spec.resource_type.category}Resource",
        "isBundle": False,
        "lastUpdate": date_text(updated),
        "lifecycleStatus": spec.lifecycleStatus,
        "resourceSpecCharacteristic": [
            _characteristic(entry) | own.get(entry.name, {}) for entry in spec.characteristics
        ],
        "fulfilment": _fulfilment(spec, base_url),
        "@type": f"{spec.resource_type.category}ResourceSpecification",
        "@baseType": "ResourceSpecification",
        "@schemaLocation": f"{base_url}/openapi.json#/components/schemas/ResourceSpecification",
    } | dict(extra.get("members", {}))


def extra_members(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a document says beyond what the engine understands; it is kept and shown."""
    entries = document.get("resourceSpecCharacteristic") or []
    beyond = {
        entry["name"]: {
            name: value for name, value in entry.items() if name not in _OWN_OF_CHARACTERISTIC
        }
        for entry in entries
    }
    return {
        "members": {name: value for name, value in document.items() if name not in _OWN},
        "characteristics": {name: members for name, members in beyond.items() if members},
    }


def specification_content(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a specification file would say; raises ``DocumentRefused``.

    Only the shape is judged: ``rom.catalog.loader.parse_specification`` judges the rest.
    """
    name = _text(document, "name")
    identifier = document.get("id") or f"RFS:{_slug(name)}"
    how = document.get("fulfilment", {})
    if not isinstance(how, dict):
        raise DocumentRefused("fulfilment", "is no object")
    _refuse_unknown(how)
    entries = document.get("resourceSpecCharacteristic", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DocumentRefused("resourceSpecCharacteristic", "is no array of objects")
    if document.get("isBundle", False) is not False:
        raise DocumentRefused("isBundle", "is not possible: every specification stands alone")
    kind = how.get("resourceType", {"category": "Logical", "label": name, "shows": repr(name)})
    return {
        "id": identifier,
        "key": how.get("key", re.sub(r"[^A-Za-z0-9]", "", _slug(name)).lower()[:64]),
        "name": name,
        "version": document.get("version", "1.0"),
        "description": document.get("description") or "",
        "lifecycleStatus": document.get("lifecycleStatus", "In design"),
        "resource_type": kind,
        "characteristics": [
            _definition(f"resourceSpecCharacteristic[{index}]", entry)
            for index, entry in enumerate(entries)
        ],
        **{member: how[member] for member in _FULFILMENT if member in how},
    }


def _refuse_unknown(how: Mapping[str, Any]) -> None:
    known = ("key", "resourceType", *_FULFILMENT)
    for name in how:
        if name not in known and not name.startswith("@"):
            raise DocumentRefused(f"fulfilment.{name}", f"is unknown; known: {', '.join(known)}")


def _fulfilment(spec: Specification, base_url: str) -> dict[str, Any]:
    found = spec.model_dump(mode="json", include=set(_FULFILMENT), exclude_none=True)
    return {
        "key": spec.key,
        "resourceType": spec.resource_type.model_dump(mode="json"),
        **found,
        "@type": "RomFulfilment",
        "@schemaLocation": f"{base_url}/openapi.json#/components/schemas/RomFulfilment",
    }


def _characteristic(entry: Characteristic) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": entry.name,
        "description": entry.description,
        "valueType": _VALUE_TYPES.get(entry.type, entry.type),
        "romType": entry.type,
        "configurable": True,
        "extensible": False,
        "isUnique": False,
        "minCardinality": 1 if entry.required else 0,
        "maxCardinality": 1,
    }
    if entry.pattern is not None:
        result["regex"] = entry.pattern
    values: list[dict[str, Any]] = [
        {"value": value, "isDefault": value == entry.default} for value in entry.enum
    ]
    if not entry.enum and entry.default is not None:
        values.append({"value": entry.default, "isDefault": True})
    limits: dict[str, Any] = {}
    for name, limit in (("valueFrom", entry.minimum), ("valueTo", entry.maximum)):
        if limit is not None:
            number = _plain(entry, limit)
            # TMF634 has whole numbers only; others travel in members of our own.
            limits[name if isinstance(number, int) else _FRACTIONS[name]] = number
    if limits or entry.unit:
        words = {"unitOfMeasure": entry.unit} if entry.unit else {}
        values.append({"isDefault": False, "rangeInterval": "closed", **words, **limits})
    if values:
        result["resourceSpecCharacteristicValue"] = values
    return result


def _plain(entry: Characteristic, limit: str | int | float) -> int | float:
    """Return a limit as a number, whole where it can be; rates are in bit/s."""
    if entry.type == "bandwidth":
        return Bandwidth.parse(limit).bps
    number = float(limit)
    return int(number) if number.is_integer() else number


def _definition(field: str, entry: dict[str, Any]) -> dict[str, Any]:
    values = entry.get("resourceSpecCharacteristicValue") or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise DocumentRefused(f"{field}.resourceSpecCharacteristicValue", "is no array of objects")
    named = [value for value in values if value.get("value") is not None]
    limits: dict[str, Any] = next(
        (value for value in values if {"valueFrom", "valueTo"} & set(value)), {}
    )
    units = [value["unitOfMeasure"] for value in values if value.get("unitOfMeasure")]
    kind = entry.get("romType") or _kind(entry, named)
    defaults = [value["value"] for value in named if value.get("isDefault") is True]
    result: dict[str, Any] = {
        "name": _text(entry, "name", field),
        "type": kind,
        "required": _cardinality(field, entry) > 0 and not defaults,
        "description": entry.get("description") or "",
        "pattern": entry.get("regex"),
        "enum": [value["value"] for value in named] if kind == "enum" else [],
        "minimum": limits.get("valueFrom", limits.get("romValueFrom")),
        "maximum": limits.get("valueTo", limits.get("romValueTo")),
        "unit": units[0] if units else None,
    }
    if defaults:
        result["default"] = defaults[0]
    return result


def _cardinality(field: str, entry: Mapping[str, Any]) -> int:
    least = entry.get("minCardinality", 0)
    if isinstance(least, bool) or least not in (0, 1):
        raise DocumentRefused(f"{field}.minCardinality", "is neither 0 nor 1")
    if entry.get("maxCardinality", 1) != 1:
        raise DocumentRefused(f"{field}.maxCardinality", "is not 1: orders give a single value")
    return int(least)


def _kind(entry: Mapping[str, Any], named: list[dict[str, Any]]) -> Any:
    if len(named) > 1:
        return "enum"
    return entry.get("valueType") or "string"


def _text(document: Mapping[str, Any], name: str, owner: str = "") -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DocumentRefused(f"{owner}.{name}" if owner else name, "is missing or no text")
    return value


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name.removeprefix("RFS:")).strip("-")[:64]
