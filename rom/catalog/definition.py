"""A specification as neutral data; the northbound face maps it to a TMF634 version."""

from typing import Any

from rom.catalog.specification import Characteristic, Specification

_VALUE_TYPES = {
    "string": "string",
    "enum": "string",
    "bandwidth": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}


def resource_definition(spec: Specification) -> dict[str, Any]:
    """Return what TMF634 publishes of a specification; nothing of how it is fulfilled."""
    return {
        "id": spec.id,
        "key": spec.key,
        "name": spec.name,
        "version": spec.version,
        "description": spec.description,
        "lifecycleStatus": spec.lifecycleStatus,
        "category": f"{spec.resource_type.category}Resource",
        "resourceType": spec.resource_type.label,
        "characteristics": [_characteristic(entry) for entry in spec.characteristics],
    }


def _characteristic(entry: Characteristic) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": entry.name,
        "description": entry.description,
        "valueType": _VALUE_TYPES[entry.type],
        "configurable": True,
        "minCardinality": 1 if entry.required else 0,
        "maxCardinality": 1,
        "values": [{"value": value, "isDefault": value == entry.default} for value in entry.enum],
    }
    if not entry.enum and entry.default is not None:
        result["values"] = [{"value": entry.default, "isDefault": True}]
    for name, value in (
        ("regex", entry.pattern),
        ("unitOfMeasure", entry.unit),
        ("valueFrom", entry.minimum),
        ("valueTo", entry.maximum),
    ):
        if value is not None:
            result[name] = value
    return result
