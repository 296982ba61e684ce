"""The ``yang:`` part as text: the same part is always the same text, one entry a line."""

import re
import sys
from collections.abc import Iterator, Mapping

import yaml

from device_profiles.errors import ProfileError
from device_profiles.models import YangModel

_START = re.compile(r"^yang:", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z_/]([A-Za-z0-9_./:-]*[A-Za-z0-9_./-])?")
_LONGEST_KEY = 1024
_AFTER = re.compile(r"^[^\s]", re.MULTILINE)


def part_text(model: YangModel) -> str:
    """Return the part as it stands in ``profile.yaml``, every section sorted."""
    return "".join(f"{line}\n" for line in _lines(model))


def _lines(model: YangModel) -> Iterator[str]:
    yield "yang:"
    yield "  namespaces:" if model.namespaces else "  namespaces: {}"
    for module, namespace in sorted(model.namespaces.items()):
        yield _entry(module, _scalar(namespace))
    if model.lists:
        yield "  lists:"
    for path, keys in sorted(model.lists.items()):
        yield _entry(path, f"[{', '.join(map(_scalar, keys))}]")
    for section in ("leaf_lists", "identityrefs", "presence", "user_ordered"):
        paths: frozenset[str] = getattr(model, section)
        if paths:
            yield f"  {section}:"
        yield from (f"    - {_scalar(path)}" for path in sorted(paths))
    for section in ("values", "references"):
        told: Mapping[str, str] = getattr(model, section)
        if told:
            yield f"  {section}:"
        yield from (_entry(path, _scalar(of)) for path, of in sorted(told.items()))
    if model.unique:
        yield "  unique:"
    yield from (f"    - {_scalar(path)}" for path in sorted(model.unique))


def _entry(name: str, value: str) -> str:
    """Return an entry of a mapping; YAML reads a key of more than 1,024 characters only if told."""
    key = _scalar(name)
    return f"    {key}: {value}" if len(key) <= _LONGEST_KEY else f"    ? {key}\n    : {value}"


def _scalar(text: str) -> str:
    """Return ``text`` plain where YAML reads it back as the same text, else in quotes."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return yaml.safe_dump(text, default_style='"', width=sys.maxsize).rstrip("\n")


def with_part(document: str, part: str) -> str:
    """Return the text of a ``profile.yaml`` with its ``yang:`` part replaced by ``part``.

    All else stays as it is written, comments too. Raises ProfileError when there is no such part.
    """
    start = _START.search(document)
    if start is None:
        raise ProfileError("yang: no such part to replace; begin with yang: {namespaces: {}}")
    end = _AFTER.search(document, start.end())
    old = document[start.start() : end.start() if end else len(document)]
    space = old[len(old.rstrip()) :].removeprefix("\n")
    replaced = document[: start.start()] + part + space + document[start.start() + len(old) :]
    if yaml.safe_load(replaced) != yaml.safe_load(document) | yaml.safe_load(part):
        raise ProfileError("yang: the part could not be replaced by itself; paste it")
    return replaced
