"""The data nodes of a set of YANG modules, by the schema paths that profiles write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from device_profiles.models import ValueKind

NodeKind = Literal["container", "list", "leaf", "leaf-list", "anydata"]


@dataclass(frozen=True, slots=True)
class SchemaNode:
    """One data node (RFC 7950 section 3), as augments and deviations leave it."""

    path: str
    kind: NodeKind
    module: str
    """Name of the module whose namespace the node is in."""
    config: bool
    """False for operational state."""
    keys: tuple[str, ...] = ()
    """Keys of a list in the order of its key statement; none for a list without keys."""
    user_ordered: bool = False
    presence: bool = False
    """A presence container or a leaf of type empty: it says something by being there."""
    identityref: bool = False
    """The value is an identity, or may be one (a union)."""
    identity_modules: frozenset[str] = frozenset()
    """Modules of the identities that the value may be."""
    value_kind: ValueKind | None = None
    """How values compare; ``None`` where they compare as they are written."""
    names: str | None = None
    """Path of the list of whose entries a leafref's value names one."""

    @property
    def may_refer(self) -> bool:
        """Whether it holds configured values, which may name what else is configured."""
        return self.config and self.kind in ("leaf", "leaf-list")


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything the modules of one platform describe."""

    namespaces: Mapping[str, str]
    """Module name to XML namespace, for every module of the set."""
    nodes: Mapping[str, SchemaNode]

    def below(self, path: str) -> Iterator[SchemaNode]:
        """Iterate over the node at ``path``, if there is one, and all that lies below it."""
        start = f"{path}/"
        return (node for name, node in self.nodes.items() if name == path or name.startswith(start))

    def nearest(self, path: str) -> str | None:
        """Return the path somebody may have meant, ``None`` where nothing is like it.

        The same name below the same parent in another module comes first.
        """
        parent, _, name = path.rpartition("/")
        local = name.rpartition(":")[2]
        siblings = {
            node.rpartition("/")[2].rpartition(":")[2]: node
            for node in self.nodes
            if node.rpartition("/")[0] == parent
        }
        near = [local] if local in siblings else get_close_matches(local, siblings, n=1)
        return siblings[near[0]] if near else None


def with_ancestors(path: str) -> Iterator[str]:
    """Iterate over the paths of the nodes above ``path`` and ``path`` itself, topmost first."""
    steps = path.split("/")[1:]
    return ("/" + "/".join(steps[:length]) for length in range(1, len(steps) + 1))
