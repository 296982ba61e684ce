"""Trees and fragments as JSON for the database."""

from collections.abc import Mapping
from typing import Any

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import Edit, Path, Tree


def tree_to_json(tree: Tree) -> list[list[Any]]:
    """Return the tree as sorted ``[path, value]`` pairs."""
    return [[list(path), value] for path, value in sorted(tree.items())]


def tree_from_json(rows: list[list[Any]]) -> dict[Path, str]:
    """Return the tree that ``tree_to_json`` wrote."""
    return {tuple(path): value for path, value in rows}


def fragment_to_json(fragment: Fragment) -> dict[str, Any]:
    """Return the fragment as a JSON object."""
    return {
        "own": tree_to_json(fragment.own),
        "shared": [
            {"root": list(item.root), "tree": tree_to_json(item.tree)} for item in fragment.shared
        ],
    }


def fragment_from_json(document: Mapping[str, Any]) -> Fragment:
    """Return the fragment that ``fragment_to_json`` wrote."""
    return Fragment(
        tree_from_json(document["own"]),
        tuple(
            SharedObject(tuple(item["root"]), tree_from_json(item["tree"]))
            for item in document["shared"]
        ),
    )


def edits_to_json(edits: tuple[Edit, ...]) -> list[list[Any]]:
    """Return edits as ``[path, before, after]`` triples."""
    return [[list(edit.path), edit.before, edit.after] for edit in edits]


def edits_from_json(rows: list[list[Any]]) -> tuple[Edit, ...]:
    """Return the edits that ``edits_to_json`` wrote."""
    return tuple(Edit(tuple(path), before, after) for path, before, after in rows)
