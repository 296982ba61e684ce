"""Steps of canonical paths: a name and, for list entries and leaf-list members, predicates.

The grammar is RFC 7951 section 6.11 (instance-identifier) reduced to key predicates. Inside the
quotes an apostrophe is written ``&apos;`` and an ampersand ``&amp;``, so that every value has
exactly one spelling and the step can be taken apart again.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from device_profiles.errors import ProfileError
from device_profiles.tree import Path

MEMBER = "."
"""The key name by which a leaf-list member carries its own value."""

_STEP = re.compile(r"(?P<name>(?:\{[^}]*\})?[^\[\]']+)(?P<predicates>(?:\[[^=\[\]']+='[^']*'\])*)")
_PREDICATE = re.compile(r"\[([^=\[\]']+)='([^']*)'\]")


class Step(NamedTuple):
    """A step taken apart; ``keys`` in the order of the key statement."""

    name: str
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def member(self) -> str | None:
        """The value of a leaf-list member, ``None`` for every other step."""
        return self.keys[0][1] if self.keys and self.keys[0][0] == MEMBER else None


@lru_cache(maxsize=65536)
def parse_step(text: str) -> Step:
    """Return the parts of a step. Raises ProfileError for text that is no step."""
    found = _STEP.fullmatch(text)
    if found is None:
        raise ProfileError(f"not a step of a path: {text!r}")
    pairs = _PREDICATE.findall(found["predicates"])
    return Step(found["name"], tuple((key, unescaped(value)) for key, value in pairs))


def format_step(name: str, keys: Iterable[tuple[str, str]] = ()) -> str:
    """Return the canonical text of a step; the inverse of ``parse_step``."""
    return name + "".join(f"[{key}='{escaped(value)}']" for key, value in keys)


def escaped(value: str) -> str:
    """Return a key value as it stands between the quotes of a predicate."""
    return value.replace("&", "&amp;").replace("'", "&apos;")


def unescaped(value: str) -> str:
    """Return what ``escaped`` was given."""
    return value.replace("&apos;", "'").replace("&amp;", "&")


@lru_cache(maxsize=65536)
def schema_path(path: Path) -> str:
    """Return the path without predicates, as profiles write it: ``/a:b/c``."""
    return "".join(f"/{parse_step(step).name}" for step in path)
