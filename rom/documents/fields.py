"""Reads members of an untrusted JSON document and knows their path when one is wrong."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rom.model.dates import parse_date
from rom.model.errors import OrderRefused
from rom.model.text import control_character

_MAXIMUM_DEPTH = 32
_MAXIMUM_WORD = 255


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON object of the document together with its path."""

    content: Mapping[str, Any]
    path: str = ""

    def at(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def member(self, name: str) -> "Node | None":
        """Return an object member, ``None`` if absent or null; refuses anything else."""
        value = self.content.get(name)
        return None if value is None else as_node(value, self.at(name))

    def members(self, name: str) -> Iterator["Node"]:
        """Yield the objects of an array member; a lone object counts as an array of one."""
        value = self.content.get(name)
        if value is None:
            return
        if isinstance(value, Mapping):
            yield as_node(value, self.at(name))
            return
        if not isinstance(value, list):
            raise OrderRefused(self.at(name), f"is {json_type(value)}", "send an array of objects")
        for index, entry in enumerate(value):
            yield as_node(entry, f"{self.at(name)}[{index}]")

    def word(self, name: str) -> str | None:
        """Return a short text that may reach a device, ``None`` if absent, null or blank."""
        value = self.content.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise OrderRefused(self.at(name), f"is {json_type(value)}", "send text")
        if (found := control_character(value)) is not None:
            raise OrderRefused(
                self.at(name), f"contains the control character {found}", "send printable text only"
            )
        if len(value) > _MAXIMUM_WORD:
            raise OrderRefused(
                self.at(name),
                f"has {len(value)} characters",
                f"send at most {_MAXIMUM_WORD} characters",
            )
        return value.strip() or None

    def required_word(self, name: str, fix: str) -> str:
        """Return a short text; refuses its absence."""
        value = self.word(name)
        if value is None:
            raise OrderRefused(self.at(name), "is missing", fix)
        return value


def as_node(value: object, path: str) -> Node:
    """Return ``value`` as an object at ``path``; refuses anything else."""
    if not isinstance(value, Mapping):
        raise OrderRefused(path, f"is {json_type(value)}", "send a JSON object")
    return Node(value, path)


def as_date(node: Node, name: str, text: str) -> datetime:
    """Return the member ``name`` of ``node``, which is ``text``, as a moment."""
    try:
        return parse_date(text)
    except ValueError as error:
        raise OrderRefused(
            node.at(name), f"is no date-time: {error}", "send one such as 2026-03-31T19:50:43Z"
        ) from error


def check_storable(value: object, path: str = "", depth: int = 0) -> None:
    """Refuse what no JSON store keeps: NUL, lone surrogates, NaN, infinity, endless nesting."""
    if depth > _MAXIMUM_DEPTH:
        raise OrderRefused(
            path[:200], "is nested too deeply", f"nest at most {_MAXIMUM_DEPTH} levels"
        )
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise OrderRefused(
                path[:200], "contains NUL or half a character", "send well-formed Unicode text"
            )
    elif isinstance(value, float) and not math.isfinite(value):
        raise OrderRefused(path, "is no JSON number", "send a finite number")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            check_storable(name, path, depth + 1)
            check_storable(inner, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            check_storable(inner, f"{path}[{index}]", depth + 1)


def json_type(value: object) -> str:
    """Return what JSON calls the type of ``value``, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "an array"
        case Mapping():
            return "an object"
        case _:
            return "no JSON value"
