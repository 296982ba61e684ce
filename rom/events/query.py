"""What a listener asked to hear: the ``query`` of its subscription (TMF630 part 1, hub).

``eventType=A,B`` and paths into the notification such as ``event.resourceOrder.state=completed``
narrow down; different names must all match, a comma or the same name again is an *or*. ``fields``
keeps those paths of the notification only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from rom.model.errors import BadQuery
from rom.model.event_types import EVENT_TYPES, SUBJECTS, Api

Event = dict[str, Any]
MAX_LENGTH = 2000
_ENVELOPE = frozenset(
    {
        "eventId", "eventTime", "eventType", "correlationId", "domain", "title", "description",
        "priority", "timeOcurred", "fieldPath", "event",
    }
)  # fmt: skip
_ALWAYS = ("eventId", "eventTime", "eventType")
"""Kept whatever ``fields`` says: without them nobody could tell a repetition from news."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A path and the values of which it must have one."""

    path: tuple[str, ...]
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A query that has been read; an empty one lets everything pass."""

    conditions: tuple[Condition, ...] = ()
    fields: tuple[tuple[str, ...], ...] = ()

    def matches(self, event: Event) -> bool:
        """Tell whether a notification is wanted."""
        return all(
            any(text in condition.values for text in _texts(event, condition.path))
            for condition in self.conditions
        )

    def select(self, event: Event) -> Event:
        """Return of a notification what ``fields`` keeps, all of it without ``fields``."""
        if not self.fields:
            return event
        kept = {name: event[name] for name in _ALWAYS if name in event}
        for path in self.fields:
            _merge(kept, _cut(event, path))
        return kept


def parse_query(api: Api, text: str) -> EventQuery:
    """Read a query; raises ``BadQuery`` naming the part at fault."""
    if len(text) > MAX_LENGTH:
        raise BadQuery(text[:40], f"and what follows is longer than {MAX_LENGTH} characters")
    wanted: dict[tuple[str, ...], set[str]] = {}
    fields: list[tuple[str, ...]] = []
    for part in text.removeprefix("?").split("&"):
        if not part.strip():
            continue
        name, equals, given = part.partition("=")
        name, values = unquote_plus(name).strip(), _values(given)
        if not equals or not values:
            raise BadQuery(part, "has no value; write name=value")
        if name == "fields":
            fields += [_path(api, value, part) for value in values]
            continue
        path = _path(api, name, part)
        _check_types(api, path, values)
        wanted.setdefault(path, set()).update(values)
    conditions = tuple(Condition(path, frozenset(values)) for path, values in wanted.items())
    return EventQuery(conditions, tuple(fields))


def _values(given: str) -> list[str]:
    found = [unquote_plus(value).strip() for value in given.split(",")]
    return [value.strip('"') for value in found if value]


def _path(api: Api, name: str, part: str) -> tuple[str, ...]:
    steps = tuple(name.split("."))
    if steps[0] not in _ENVELOPE or not all(steps):
        known = ", ".join(sorted(_ENVELOPE))
        raise BadQuery(part, f"does not begin with an attribute of a notification: {known}")
    if steps[0] == "event" and len(steps) > 1 and steps[1] not in SUBJECTS[api]:
        raise BadQuery(part, f"names nothing of this API's events: {', '.join(SUBJECTS[api])}")
    return steps


def _check_types(api: Api, path: tuple[str, ...], values: list[str]) -> None:
    if path != ("eventType",):
        return
    for value in values:
        if value not in EVENT_TYPES[api]:
            known = ", ".join(EVENT_TYPES[api])
            raise BadQuery(f"eventType={value}", f"is no event of this API: {known}")


def _texts(node: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield what lies at a path as text, of lists what lies in any member."""
    if isinstance(node, list):
        for member in node:
            yield from _texts(member, path)
    elif not path:
        if isinstance(node, bool):
            yield str(node).lower()
        elif isinstance(node, str | int | float):
            yield str(node)
    elif isinstance(node, dict) and path[0] in node:
        yield from _texts(node[path[0]], path[1:])


def _cut(node: Any, path: tuple[str, ...]) -> Any:
    if not path:
        return node
    if isinstance(node, list):
        return [_cut(member, path) for member in node]
    if isinstance(node, dict) and path[0] in node:
        return {path[0]: _cut(node[path[0]], path[1:])}
    return {}


def _merge(into: Any, other: Any) -> None:
    """Put two cuts of one document together."""
    if isinstance(into, list) and isinstance(other, list):
        for mine, its in zip(into, other, strict=True):
            _merge(mine, its)
        return
    for name, value in other.items():
        if isinstance(into.get(name), dict | list) and isinstance(value, dict | list):
            _merge(into[name], value)
        else:
            into[name] = value
