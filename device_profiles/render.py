"""Templates and a site's context become fragments: pure, the same bytes for the same context.

Structure templates are YAML and parsed before any value is put in, so a value can change neither
which nodes there are nor where they hang. Line templates (``.j2``) become lines first; values
cannot hold line ends, so they cannot add lines either.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from device_profiles.cli import parse_template
from device_profiles.environment import evaluate, render_text
from device_profiles.errors import ProfileError
from device_profiles.fragment import Fragment, SharedObject
from device_profiles.profile import Profile, Stamp, fragment_file, load_yaml
from device_profiles.steps import MEMBER, Step, format_step, schema_path
from device_profiles.tree import PRESENT, Path
from device_profiles.user_order import refuse_order
from device_profiles.values import canonical_value

_EXPRESSION = r"\{\{.*?\}\}"
_STEP = re.compile(
    rf"(?P<name>[^\[\]'{{}}]+)(?P<predicates>(?:\[.+?='(?:{_EXPRESSION}|[^'])*'\])*)"
)
_PREDICATE = re.compile(rf"\[([^='\[\]]+)='((?:{_EXPRESSION}|[^'])*)'\]")
WHEN = "when"
GIVEN = "given"
"""Marks an entry that engineering owns: a site writes below it and never creates or removes it."""
Context = Mapping[str, Any]


def render(profile: Profile, fragment_name: str, context: Context) -> Fragment:
    """Return what one item of a site wants on a device of this platform.

    ``context`` has the keys site, customer, network, item, res, circuit_id, ztp and device.
    Raises ProfileError for an unknown fragment, an undefined name or a refused value.
    """
    file = fragment_file(profile, fragment_name) if fragment_name in profile.fragments else None
    if file is None:
        raise ProfileError(f"profile {profile.name} has no fragment {fragment_name!r}")
    full = {**context, "tables": profile.tables}
    if file.suffix == ".j2":
        where = shown(file)
        text = render_text(_source(file, profile.stamp), full, where)
        return Fragment(parse_template(profile, text, where))
    return _structure(profile, file, full)


def shown(file: FilePath) -> str:
    """Return what a fragment's file is called to people, who need not know where it lies."""
    return "/".join(file.parts[-len(("profile", "fragments", "file")) :])


@lru_cache(maxsize=256)
def _source(file: FilePath, _stamp: Stamp) -> str:
    return file.read_text(encoding="utf-8")


@lru_cache(maxsize=256)
def _document(file: FilePath, _stamp: Stamp) -> dict[str, Any]:
    try:
        document = load_yaml(file)
    except ProfileError as error:
        raise ProfileError(str(error).replace(str(file), shown(file))) from error
    unknown = document.keys() - {"own", "shared"}
    if unknown:
        raise ProfileError(f"{shown(file)}: unknown key {min(unknown)}; there are own and shared")
    return document


def _structure(profile: Profile, file: FilePath, context: Context) -> Fragment:
    document = _document(file, profile.stamp)
    writer = _Writer(profile, context, shown(file))
    own = dict(writer.nodes((), document.get("own") or {}))
    shared = []
    for entry in document.get("shared") or ():
        if not writer.holds(entry):
            continue
        root = writer.path(tuple(entry["root"]))
        shared.append(SharedObject(root, dict(writer.node(root, entry.get("tree")))))
    refuse_order(profile, (path for tree in (own, *(one.tree for one in shared)) for path in tree))
    return Fragment(own, tuple(shared))


class _Writer:
    """Walks a parsed structure and renders its scalars."""

    def __init__(self, profile: Profile, context: Context, where: str) -> None:
        self.profile = profile
        self.context = context
        self.where = where

    def holds(self, node: Any) -> bool:
        """Tell whether a node's ``when:`` lets it in; nodes without one always are."""
        condition = node.get(WHEN) if isinstance(node, dict) else None
        return condition is None or evaluate(condition, self.context, self.where)

    def nodes(self, path: Path, children: Mapping[Any, Any]) -> Iterator[tuple[Path, str]]:
        for source, child in children.items():
            if source not in (WHEN, GIVEN) and self.holds(child):
                yield from self.node((*path, self.step(path, source)), child)

    def node(self, path: Path, content: Any) -> Iterator[tuple[Path, str]]:
        if isinstance(content, dict):
            if self._exists_by_itself(path) and not content.get(GIVEN):
                yield path, PRESENT
            yield from self.nodes(path, content)
        elif content is None:
            yield path, PRESENT
        else:
            kind = value_kind(self.profile, schema_path(path))
            yield path, canonical_value(kind, self.text(content, path[-1]))

    def path(self, sources: tuple[str, ...]) -> Path:
        path: Path = ()
        for source in sources:
            path = (*path, self.step(path, source))
        return path

    def step(self, path: Path, source: Any) -> str:
        written = template_step(source, self.where)
        schema = schema_path((*path, written.name))
        keys = []
        for key, template in written.keys:
            kind = value_kind(self.profile, schema if key == MEMBER else f"{schema}/{key}")
            keys.append((key, canonical_value(kind, self.text(template, written.name))))
        return format_step(written.name, keys)

    def text(self, template: Any, at: str) -> str:
        if isinstance(template, bool):
            return "true" if template else "false"
        if isinstance(template, int | float):
            return str(template)
        if not isinstance(template, str):
            raise ProfileError(f"{self.where}: {at}: {type(template).__name__} is no scalar")
        return render_text(template, self.context, f"{self.where}: {at}")

    def _exists_by_itself(self, path: Path) -> bool:
        profile = self.profile
        if profile.yang is not None and schema_path(path) in profile.yang.presence:
            return True
        if profile.snmp is not None:
            table = profile.snmp.tables.get(schema_path(path).removeprefix("/"))
            return table is not None and bool(table.row_status)
        return path[-1].endswith("]")


def value_kind(profile: Profile, schema: str) -> Any:
    """Return how values at a schema path are brought to canonical form, ``None`` for not at all."""
    model = profile.yang or profile.data
    return model.values.get(schema) if model else None


def template_step(source: Any, where: str) -> Step:
    """Return a step as a template writes it: its values are templates still.

    Raises ProfileError, with ``where``, for what is no step.
    """
    found = _STEP.fullmatch(source) if isinstance(source, str) else None
    if found is None:
        raise ProfileError(f"{where}: not a step: {source!r}")
    return Step(found["name"], tuple(_PREDICATE.findall(found["predicates"])))


def step_path(profile: Profile, sources: tuple[str, ...], context: Context, where: str) -> Path:
    """Return the path whose steps are the rendered templates ``sources``."""
    return _Writer(profile, context, where).path(sources)
