"""Keeping: what has to stay with an entry that is not touched. Pure."""

import re
from collections.abc import Container, Iterable, Mapping

from device_profiles.tree import PRESENT, Path, Tree, topmost, within
from rom.model.effect import NetEffect

_KEY = re.compile(r"='([^']*)'")


def touched_entries(
    touched: Iterable[Path], net: Mapping[Path, NetEffect], present: Tree
) -> frozenset[Path]:
    """Return every path of ours that must stay when the entries around ``touched`` are kept.

    A leaf kept alone would leave an entry without its mandatory leaves, so the whole entry that
    we created stays, and with it the entries of ours that it refers to by name, as the device
    would refuse their removal.
    """
    created = [path for path, effect in net.items() if effect.before is None]
    roots = topmost(path for path in created if path[-1].endswith("]"))
    waiting = [
        next((root for root in roots if path[: len(root)] == root), path) for path in touched
    ]
    kept: set[Path] = set()
    while waiting:
        root = waiting.pop()
        if root in kept:
            continue
        kept.add(root)
        words = set(within(present, [root]).values()) - {PRESENT}
        waiting += [other for other in roots if key_words(other) & words]
    return frozenset(path for path in net if at_or_below(path, kept))


def at_or_below(path: Path, roots: Container[Path]) -> bool:
    """Tell whether a path is one of ``roots`` or lies below one."""
    return any(path[:length] in roots for length in range(1, len(path) + 1))


def key_words(entry: Path) -> set[str]:
    """Return the words by which others may refer to an entry."""
    return set(_KEY.findall(entry[-1]))
