"""The canonical tree: what a device holds, or must hold, as a flat mapping of paths to values.

Every platform's configuration (YANG data, command lines, Kea objects, RADIUS rows, MIB objects)
becomes the same shape, so that difference, ledger and rollback are written once.

A path is a tuple of steps from the root. The wording of a step belongs to the platform's codec:

* YANG, RFC 7951 names: ``("ietf-interfaces:interfaces", "interface[name='x']", "enabled")``;
  a leaf-list member is ``trunk-vlans[.='2109']``.
* Command lines: ``("interface GigabitEthernet0/12", "switchport access vlan")``.

A value is text. ``PRESENT`` (the empty text) is the value of whatever exists without a value of
its own: a list entry, a leaf-list member, a presence container, a plain command line.
A secret is never in a tree: the wanted value is ``secret:<name>`` and the value read back is
``digest:<hex>``. What nobody here can read is ``opaque:<hex>``, a digest of all there is of it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from json import dumps

Path = tuple[str, ...]
Tree = Mapping[Path, str]

PRESENT = ""
SECRET_PREFIX = "secret:"  # noqa: S105 - marks a reference, is no password
DIGEST_PREFIX = "digest:"
OPAQUE_PREFIX = "opaque:"
"""What a profile does not describe and shape does not tell: there, and compared, never written."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one path; ``None`` stands for absent, which is a value like any other."""

    path: Path
    before: str | None
    after: str | None

    def inverted(self) -> "Edit":
        """Return the edit that undoes this one."""
        return Edit(self.path, self.after, self.before)


def difference(present: Tree, target: Tree) -> tuple[Edit, ...]:
    """Return the edits that turn ``present`` into ``target``, parents before their children."""
    return tuple(
        Edit(path, present.get(path), target.get(path))
        for path in sorted(present.keys() | target.keys())
        if present.get(path) != target.get(path)
    )


def patched(tree: Tree, edits: Iterable[Edit]) -> dict[Path, str]:
    """Return ``tree`` with every edit's ``after`` in place."""
    result = dict(tree)
    for edit in edits:
        if edit.after is None:
            result.pop(edit.path, None)
        else:
            result[edit.path] = edit.after
    return result


def within(tree: Tree, roots: Collection[Path]) -> dict[Path, str]:
    """Return the part of ``tree`` at or below any of ``roots``."""
    wanted = set(roots)
    lengths = sorted({len(root) for root in wanted})
    return {
        path: value
        for path, value in tree.items()
        if any(path[:length] in wanted for length in lengths if length <= len(path))
    }


def in_scope(tree: Tree, scope: Collection[Path]) -> dict[Path, str]:
    """Return what a read of ``scope`` tells: the part within it and the entries it lies in."""
    found = within(tree, scope)
    above = {path[:length] for path in found for length in range(1, len(path))}
    return found | {path: tree[path] for path in above & tree.keys()}


def topmost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the paths that have no ancestor among ``paths``, sorted."""
    result: list[Path] = []
    for path in sorted(set(paths)):
        if not result or path[: len(result[-1])] != result[-1]:
            result.append(path)
    return tuple(result)


def content_hash(tree: Tree) -> str:
    """Return the SHA-256 (hex) of the tree, the same for equal trees however they were built."""
    rows = [[list(path), value] for path, value in sorted(tree.items())]
    return sha256(dumps(rows, ensure_ascii=False).encode()).hexdigest()


def path_text(path: Path) -> str:
    """Return the path as people read it; for messages and tables, never parsed again."""
    return "/" + "/".join(path)
