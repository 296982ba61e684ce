"""JSON objects (Kea, logistics) to canonical trees and back.

Text in trees, typed members in JSON: the profile says what is no string. ``patch`` changes only
what the edits name, so content that others own stays as it is, unknown members included.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from typing import Any

from device_profiles.errors import ProfileError
from device_profiles.models import DataModel
from device_profiles.profile import Profile
from device_profiles.steps import MEMBER, format_step, parse_step, schema_path
from device_profiles.tree import (
    OPAQUE_PREFIX,
    PRESENT,
    Edit,
    Path,
    Tree,
    in_scope,
    path_text,
    topmost,
)
from device_profiles.values import canonical_value, digest


def data_model(profile: Profile) -> DataModel:
    """Return the profile's JSON model. Raises ProfileError when it has none."""
    if profile.data is None:
        raise ProfileError(f"profile {profile.name} has no JSON model")
    return profile.data


Filled = Mapping[str, str]
"""What a device fills in, by schema path."""


def filled_in(profile: Profile, document: Mapping[str, Any]) -> Filled:
    """Return what the device shows where nobody has set it, as its own parameters are now."""
    found = {}
    for entry, members in data_model(profile).filled.items():
        for name, text in members.items():
            value = _parameter(document, text) if text.startswith("/") else text
            if value is not None:
                found[f"{entry}/{name}"] = value
    return found


def _parameter(document: Mapping[str, Any], alternatives: str) -> str | None:
    for place in alternatives.split("|"):
        value: Any = document
        for step in place.removeprefix("/").split("/"):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return _text(value)
    return None


def decode(
    profile: Profile,
    document: Mapping[str, Any],
    scope: Collection[Path] = ((),),
    filled: Filled | None = None,
) -> dict[Path, str]:
    """Return the tree of a JSON document, reduced to ``scope`` and the entries it lies in.

    Secret values come back as digests, what ``filled`` has (by default what the document itself
    makes of it) not at all, and what the profile has no keys for as one opaque node.
    """
    if filled is None:
        filled = filled_in(profile, document)
    decoder = _Decoder(data_model(profile), filled)
    decoder.members(document, ())
    return {
        path: digest(value) if value and profile.is_secret(path) else value
        for path, value in in_scope(decoder.tree, scope).items()
    }


class _Decoder:
    def __init__(self, model: DataModel, filled: Filled) -> None:
        self.model = model
        self.filled = filled
        self.tree: dict[Path, str] = {}

    def members(self, data: Mapping[str, Any], path: Path) -> None:
        for name, value in data.items():
            schema = schema_path((*path, name))
            if schema in self.model.ignored:
                continue
            if isinstance(value, dict):
                self.members(value, (*path, name))
            elif isinstance(value, list):
                self._list(value, (*path, name), schema)
            elif value is not None and self.filled.get(schema) != _text(value):
                kind = self.model.values.get(schema)
                self.tree[*path, name] = canonical_value(kind, _text(value))

    def _list(self, items: list[Any], path: Path, schema: str) -> None:
        unreadable = [item for item in items if not self._member(item, path, schema)]
        if unreadable:
            self.tree[path] = opaque(unreadable)

    def _member(self, item: Any, path: Path, schema: str) -> bool:
        """Take an item in; tells whether it could be read."""
        if isinstance(item, list):
            return False
        if not isinstance(item, dict):
            value = canonical_value(self.model.values.get(schema), _text(item))
            self.tree[*path[:-1], format_step(path[-1], [(MEMBER, value)])] = PRESENT
            return True
        keys = self._keys(schema, item)
        entry = (*path[:-1], format_step(path[-1], keys))
        if not keys or entry in self.tree:
            return False
        self.tree[entry] = PRESENT
        named = {key for key, _ in keys}
        self.members({name: value for name, value in item.items() if name not in named}, entry)
        return True

    def _keys(self, schema: str, item: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return what tells the entry from others; nothing where that is not known."""
        keys = []
        for alternatives in self.model.lists.get(schema, ()):
            name = next((name for name in alternatives.split("|") if name in item), None)
            if name is None:
                return []
            kind = self.model.values.get(f"{schema}/{name}")
            keys.append((name, canonical_value(kind, _text(item[name]))))
        return keys


def opaque(items: Sequence[Any]) -> str:
    """Return the value of what nobody here can read: the same as long as it is the same."""
    text = json.dumps(items, sort_keys=True)
    return f"{OPAQUE_PREFIX}{sha256(text.encode()).hexdigest()}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def encode(profile: Profile, tree: Tree) -> dict[str, Any]:
    """Return the JSON document that holds exactly ``tree``."""
    return patch(profile, {}, [Edit(path, None, value) for path, value in tree.items()])


def patch(profile: Profile, document: Mapping[str, Any], edits: Collection[Edit]) -> dict[str, Any]:
    """Return a copy of ``document`` with ``edits`` made and nothing else touched.

    Objects that become empty go with their last member. Raises ProfileError for a value that
    does not fit its member's type.
    """
    model = data_model(profile)
    result = deepcopy(dict(document))
    for path in topmost(edit.path for edit in edits if edit.after is None):
        _remove_below(model, result, path, 0)
    for edit in sorted(edits, key=lambda edit: edit.path):
        if edit.after is not None:
            _set(model, result, edit.path, edit.after)
    return result


def _set(model: DataModel, document: dict[str, Any], path: Path, value: str) -> None:
    parent: dict[str, Any] = document
    for depth in range(1, len(path)):
        parent = _child(model, parent, path[:depth])
    step, schema = parse_step(path[-1]), schema_path(path)
    if value.startswith(OPAQUE_PREFIX):
        raise ProfileError(f"{path_text(path)}: what nobody can read cannot be written")
    if step.member is not None:
        members = _list(schema, parent.setdefault(step.name, []))
        if step.member not in [_text(member) for member in members]:
            members.append(_typed(model, schema, step.member))
    elif step.keys:
        _child(model, parent, path)
    else:
        parent[step.name] = _typed(model, schema, value)


def _child(model: DataModel, parent: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the object at ``path`` inside ``parent``, made where it is missing."""
    step, schema = parse_step(path[-1]), schema_path(path)
    if not step.keys:
        return _object(schema, parent.setdefault(step.name, {}))
    entries = _list(schema, parent.setdefault(step.name, []))
    for known in entries:
        if _matches(model, schema, known, step.keys):
            return _object(schema, known)
    entry = {key: _typed(model, f"{schema}/{key}", value) for key, value in step.keys}
    entries.append(entry)
    return entry


def _object(schema: str, value: Any) -> dict[str, Any]:
    """Return what a document has at ``schema``; raises ProfileError when it is no object."""
    if not isinstance(value, dict):
        raise ProfileError(f"{schema}: the document has no object there")
    return value


def _list(schema: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ProfileError(f"{schema}: the document has no list there")
    return value


def _matches(model: DataModel, schema: str, entry: Any, keys: tuple[tuple[str, str], ...]) -> bool:
    return isinstance(entry, dict) and all(
        key in entry
        and canonical_value(model.values.get(f"{schema}/{key}"), _text(entry[key])) == value
        for key, value in keys
    )


def _remove_below(model: DataModel, parent: dict[str, Any], path: Path, depth: int) -> bool:
    """Remove from ``parent`` what ``path`` names from ``depth`` on; tell whether it is empty."""
    step, schema = parse_step(path[depth]), schema_path(path[: depth + 1])
    if step.name not in parent:
        return not parent
    value = parent[step.name]
    last = depth == len(path) - 1
    if step.member is not None:
        parent[step.name] = [item for item in _list(schema, value) if _text(item) != step.member]
    elif step.keys and last:
        entries = _list(schema, value)
        parent[step.name] = [e for e in entries if not _matches(model, schema, e, step.keys)]
    elif last:
        del parent[step.name]
        return not parent
    else:
        targets = (
            [entry for entry in _list(schema, value) if _matches(model, schema, entry, step.keys)]
            if step.keys
            else [_object(schema, value)]
        )
        emptied = [_remove_below(model, target, path, depth + 1) for target in targets]
        if step.keys or not any(emptied):
            return False
    if depth > 1 and not parent[step.name]:
        del parent[step.name]
    return not parent


def _typed(model: DataModel, schema: str, text: str) -> Any:
    kind = model.types.get(schema)
    try:
        match kind:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text]
            case _:
                return text
    except (ValueError, KeyError) as error:
        raise ProfileError(f"{schema}: {text!r} is no {kind}") from error
