"""Leaves that a server does not show because they have their default."""

from collections.abc import Mapping

from device_profiles.steps import schema_path
from device_profiles.tree import Path, Tree


def filled(tree: Tree, defaults: Mapping[str, str]) -> dict[Path, str]:
    """Return ``tree`` with every leaf of ``defaults`` that its parent is there for but it is not.

    ``defaults`` has values by schema path.
    """
    full = dict(tree)
    if not defaults:
        return full
    by_parent: dict[str, list[tuple[str, str]]] = {}
    for schema, value in defaults.items():
        parent, _, leaf = schema.rpartition("/")
        by_parent.setdefault(parent, []).append((leaf, value))
    nodes = {path[:length] for path in tree for length in range(1, len(path) + 1)}
    for node in nodes:
        for leaf, value in by_parent.get(schema_path(node), ()):
            full.setdefault((*node, leaf), value)
    return full
