"""The documents of the TM Forum APIs as data: what may be filtered, and what our OpenAPI shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent / "schemas"
_JSON_TYPES: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "moment": {"type": "string", "format": "date-time"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "any": {},
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One member of an entity: ``kind`` is a simple type or another entity's name."""

    kind: str
    many: bool = False
    words: tuple[str, ...] = ()
    """What an enumeration may be."""

    @property
    def is_entity(self) -> bool:
        """Whether it has members of its own."""
        return self.kind[0].isupper()


class UnknownAttribute(LookupError):
    """A path that leads to no attribute."""


@cache
def entities() -> Mapping[str, Mapping[str, Attribute]]:
    """Return the attributes of every entity by name."""
    found: dict[str, Mapping[str, Attribute]] = {}
    for file in sorted(_FOLDER.glob("*.yaml")):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        for name, members in content.items():
            found[name] = {member: _attribute(text) for member, text in members.items()}
    return found


def along(entity: str, path: tuple[str, ...]) -> tuple[Attribute, ...]:
    """Return the attributes that ``path`` passes; raises ``UnknownAttribute``."""
    passed: list[Attribute] = []
    for name in path:
        known = entities().get(entity, {})
        if name not in known:
            raise UnknownAttribute(".".join(path))
        passed.append(known[name])
        entity = known[name].kind
    return tuple(passed)


def names(entity: str) -> tuple[str, ...]:
    """Return the names of an entity's own attributes."""
    return tuple(entities()[entity])


def json_schema(entity: str) -> dict[str, Any]:
    """Return an entity's JSON Schema for an OpenAPI document; more members are always welcome."""
    return {
        "type": "object",
        "properties": {name: _member(entry) for name, entry in entities()[entity].items()},
        "additionalProperties": True,
    }


def _attribute(text: str | list[str]) -> Attribute:
    many = isinstance(text, list)
    kind = text[0] if isinstance(text, list) else text
    words = tuple(kind.split("|")) if "|" in kind else ()
    return Attribute("text" if words else kind, many, words)


def _member(entry: Attribute) -> dict[str, Any]:
    if entry.is_entity:
        inner: dict[str, Any] = {"$ref": f"#/components/schemas/{entry.kind}"}
    else:
        inner = dict(_JSON_TYPES[entry.kind])
    if entry.words:
        inner["enum"] = list(entry.words)
    return {"type": "array", "items": inner} if entry.many else inner
