"""A fragment: one item's share of what a site must have on one device."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from device_profiles.tree import Path, Tree, content_hash


@dataclass(frozen=True, slots=True)
class SharedObject:
    """Something several sites refer to, such as a bandwidth template or a customer's VRF.

    ``tree`` holds the object's own nodes with absolute paths, ``root`` among them. Nodes below
    ``root`` that are not in ``tree`` (a site's interface inside a VRF) do not belong to it.
    """

    root: Path
    tree: Tree

    @property
    def content_hash(self) -> str:
        """Tell whether two renderings are the same object: templates are immutable."""
        return content_hash(self.tree)


@dataclass(frozen=True, slots=True)
class Fragment:
    """What one item wants on one device: the site's own nodes and the shared objects it needs."""

    own: Tree = field(default_factory=dict)
    shared: tuple[SharedObject, ...] = ()


def merged(fragments: Mapping[str, Fragment]) -> Fragment:
    """Lay fragments over each other in the mapping's order; a later one wins on the same path.

    What belongs to a shared object is never the site's own, whoever names it.
    """
    own: dict[Path, str] = {}
    shared: dict[Path, SharedObject] = {}
    for fragment in fragments.values():
        own.update(fragment.own)
        for item in fragment.shared:
            known = shared.get(item.root)
            tree = {**known.tree, **item.tree} if known else item.tree
            shared[item.root] = SharedObject(item.root, tree)
    for item in shared.values():
        for path in item.tree:
            own.pop(path, None)
    return Fragment(own, tuple(shared[root] for root in sorted(shared)))
