"""JSON objects (Kea, logistics) to canonical trees and back.

Text in trees, typed members in JSON: the profile says what is no string. ``patch`` changes only
what the edits name, so content that others own stays as it is, unknown members included.
"""

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

from device_profiles.errors import ProfileError
from device_profiles.models import DataModel
from device_profiles.profile import Profile
from device_profiles.steps import MEMBER, format_step, parse_step, schema_path
from device_profiles.tree import PRESENT, Edit, Path, Tree, in_scope, path_text, topmost
from device_profiles.values import canonical_value, digest


def data_model(profile: Profile) -> DataModel:
    """Return the profile's JSON model. Raises ProfileError when it has none."""
    if profile.data is None:
        raise ProfileError(f"profile {profile.name} has no JSON model")
    return profile.data


def decode(
    profile: Profile, document: Mapping[str, Any], scope: Collection[Path] = ((),)
) -> dict[Path, str]:
    """Return the tree of a JSON document, reduced to ``scope`` and the entries it lies in.

    Secret values come back as digests. Raises ProfileError naming the path for lists of objects
    the profile has no keys for.
    """
    tree: dict[Path, str] = {}
    _decode_object(data_model(profile), document, (), tree)
    return {
        path: digest(value) if value and profile.is_secret(path) else value
        for path, value in in_scope(tree, scope).items()
    }


def _decode_object(
    model: DataModel, data: Mapping[str, Any], path: Path, tree: dict[Path, str]
) -> None:
    for name, value in data.items():
        schema = schema_path((*path, name))
        if schema in model.ignored:
            continue
        if isinstance(value, dict):
            _decode_object(model, value, (*path, name), tree)
        elif isinstance(value, list):
            _decode_list(model, value, (*path, name), tree)
        elif value is not None:
            tree[*path, name] = canonical_value(model.values.get(schema), _text(value))


def _decode_list(model: DataModel, items: list[Any], path: Path, tree: dict[Path, str]) -> None:
    schema = schema_path(path)
    for item in items:
        if isinstance(item, dict):
            keys = _keys(model, schema, item)
            entry = (*path[:-1], format_step(path[-1], keys))
            if entry in tree:
                raise ProfileError(f"{path_text(entry)}: two entries with the same key")
            tree[entry] = PRESENT
            named = {key for key, _ in keys}
            rest = {name: value for name, value in item.items() if name not in named}
            _decode_object(model, rest, entry, tree)
        elif isinstance(item, list):
            raise ProfileError(f"{schema}: lists of lists have no canonical form")
        else:
            value = canonical_value(model.values.get(schema), _text(item))
            tree[*path[:-1], format_step(path[-1], [(MEMBER, value)])] = PRESENT


def _keys(model: DataModel, schema: str, item: Mapping[str, Any]) -> list[tuple[str, str]]:
    if schema not in model.lists:
        raise ProfileError(f"unknown list {schema}: the profile has no keys for it")
    keys = []
    for alternatives in model.lists[schema]:
        name = next((name for name in alternatives.split("|") if name in item), None)
        if name is None:
            raise ProfileError(f"{schema}: entry without its key {alternatives}")
        value = _text(item[name])
        keys.append((name, canonical_value(model.values.get(f"{schema}/{name}"), value)))
    return keys


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
