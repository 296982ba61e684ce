"""What refers to what on a platform, as its profile says: who else uses an entry. Pure.

A reference is a plain value: a port's access VLAN names the VLAN, a service's policy name the
policy. Models with leafrefs (RFC 7950 section 9.9) protect such entries themselves, command lines
and plain strings do not.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import product

from device_profiles.cli_grammar import split_member
from device_profiles.models import LineReference
from device_profiles.profile import Profile
from device_profiles.steps import parse_step, schema_path
from device_profiles.tree import Path, Tree

Users = Mapping[Path, Tree]
"""By entry: the values elsewhere that refer to it, by their paths."""
_Names = Mapping[tuple[str, str], list[Path]]
"""By list and name: the entries of that name that are asked for."""


def referring(profile: Profile, entries: Collection[Path]) -> frozenset[str]:
    """Return the schema paths of the leaves that could refer to one of ``entries``."""
    lists = {schema_path(entry) for entry in entries if _name(entry) is not None}
    found = {leaf for leaf, named in _references(profile).items() if named in lists}
    return frozenset(found | (_unique(profile) & lists))


def rows(profile: Profile, entries: Collection[Path]) -> list[tuple[str, str, str]]:
    """Return table, column and value of the rows that could refer to one of ``entries``."""
    names = {(schema_path(entry), name) for entry in entries if (name := _name(entry)) is not None}
    found = []
    for leaf, named in _references(profile).items():
        table, _, column = leaf.removeprefix("/").partition("/")
        found += [(table, column, name) for list_, name in names if list_ == named]
    return sorted(found)


def users(profile: Profile, tree: Tree, entries: Collection[Path]) -> dict[Path, dict[Path, str]]:
    """Return who in ``tree`` refers to ``entries`` from outside of them; unused ones are absent.

    Two entries inside a common list entry, such as a neighbour and its group, belong together only
    where that is the same one.
    """
    seek = _lines(profile, entries) if profile.cli is not None else _nodes(profile, entries)
    found: dict[Path, dict[Path, str]] = {}
    for path, value in tree.items():
        for entry in seek(path, value):
            if path[: len(entry)] != entry:
                found.setdefault(entry, {})[path] = value
    return found


def _references(profile: Profile) -> Mapping[str, str]:
    model = profile.yang or profile.radius
    return model.references if model is not None else {}


def _unique(profile: Profile) -> frozenset[str]:
    return profile.yang.unique if profile.yang is not None else frozenset()


_Seek = Callable[[Path, str], Iterator[Path]]


def _lines(profile: Profile, entries: Collection[Path]) -> _Seek:
    rules = profile.cli.references if profile.cli is not None else ()
    named: dict[tuple[LineReference, str], list[Path]] = {}
    for rule, (line,) in product(rules, (entry for entry in entries if len(entry) == 1)):
        if found := re.fullmatch(rule.names_read, line):
            named.setdefault((rule, found["value"]), []).append((line,))

    def seek(path: Path, value: str) -> Iterator[Path]:
        section = path[-2] if len(path) > 1 else ""
        step, member = split_member(path[-1])
        for rule in rules:
            name = _name_in(rule, section, step, value if member is None else member)
            yield from named.get((rule, name), ())

    return seek


def _name_in(rule: LineReference, section: str, step: str, value: str) -> str:
    found = re.fullmatch(rule.step, step)
    if found is None or not re.fullmatch(rule.within, section):
        return ""
    return found.groupdict().get("value") or value


def _nodes(profile: Profile, entries: Collection[Path]) -> _Seek:
    names: dict[tuple[str, str], list[Path]] = {}
    for entry in entries:
        name = _name(entry)
        if name is not None:
            names.setdefault((schema_path(entry), name), []).append(entry)
    references, unique = _references(profile), _unique(profile)

    def seek(path: Path, value: str) -> Iterator[Path]:
        schema, step = schema_path(path), parse_step(path[-1])
        if schema in references:
            yield from _beside(names, references[schema], step.member or value, path)
        for key, name in step.keys:
            leaf = f"{schema}/{key}"
            if leaf in references:
                yield from _beside(names, references[leaf], name, path)
        if schema in unique and step.keys:
            yield from names.get((schema, step.keys[0][1]), ())

    return seek


def _beside(names: _Names, named: str, value: str, path: Path) -> Iterator[Path]:
    for entry in names.get((named, value), ()):
        if _lies_with(entry, path):
            yield entry


def _lies_with(entry: Path, user: Path) -> bool:
    for one, other in zip(entry[:-1], user, strict=False):
        if parse_step(one).name != parse_step(other).name:
            break
        if one != other:
            return False
    return True


def _name(entry: Path) -> str | None:
    """Return by what others name the entry: its first key."""
    step = parse_step(entry[-1])
    return step.keys[0][1] if step.keys and step.member is None else None
