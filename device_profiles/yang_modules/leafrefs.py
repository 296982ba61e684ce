"""Which entry of which list the value of a leafref names (RFC 7950 section 9.9)."""

from typing import Any

_UNNAMED = ("choice", "case", "input", "output")
"""Statements that are no step of a schema path."""


def named_list(leaf: Any) -> str | None:
    """Return the schema path of the list of whose entries the leaf's value names one.

    ``None`` where the value alone names none: it is no leafref, its path does not lead to a key,
    the list has further keys, or a predicate in the path asks a second leaf for the entry.
    """
    while (reference := getattr(leaf, "i_leafref_ptr", None)) is not None:
        if _has_predicate(leaf):
            return None
        leaf = reference[0]
        if getattr(leaf.parent, "i_key", None) == [leaf]:
            return _path(leaf.parent)
    return None


def _has_predicate(leaf: Any) -> bool:
    return "[" in leaf.i_leafref.path_.arg


def _path(statement: Any) -> str:
    steps: list[str] = []
    while statement.parent is not None:
        above = statement.parent
        while above.keyword in _UNNAMED:
            above = above.parent
        owner = statement.main_module().arg
        inside = above.parent is not None and above.main_module().arg == owner
        steps.append(statement.arg if inside else f"{owner}:{statement.arg}")
        statement = above
    return "".join(f"/{step}" for step in reversed(steps))
