"""YAML of bounded size: what aliases stand for is counted before anything is made of it.

A few aliases of aliases stand for more values than any memory holds. PyYAML shares them, and who
walks through the result pays. Here the bounds on values and depth count an alias as often as it is
used, while the text is parsed. A key that stands twice is refused too, and dates stay texts.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_VALUES = 1_000_000
"""Most values and keys of one document, those that aliases stand for among them."""

MAX_DEPTH = 40
"""Deepest nesting; the deepest file of the product has about fifteen levels."""

Place = tuple[int | str, ...]
"""Names and indices that lead to a value of a document."""

_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says, and in which of its lines."""

    value: object
    root: yaml.Node | None = field(default=None, repr=False)

    def line(self, place: Iterable[int | str]) -> int | None:
        """Return the line, counted from 1, of what is at ``place`` or of what it lies in."""
        node = self.root
        if node is None:
            return None
        line: int = node.start_mark.line
        for step in place:
            found = _member(node, step)
            if found is None:
                break
            line, node = found
        return line + 1


def read_yaml(text: str) -> Any:
    """Return what a YAML text says; raises ``yaml.YAMLError``, also for one beyond the bounds."""
    return read_document(text).value


def read_document(text: str) -> Document:
    """Return what a YAML text says with its lines; raises as ``read_yaml``."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return Document(None if root is None else loader.construct_document(root), root)
    except (ValueError, OverflowError, RecursionError) as error:
        # PyYAML lets through what Python says of numbers that are too long.
        raise yaml.YAMLError(f"a value cannot be read: {error}") from error
    finally:
        loader.dispose()


def _member(node: yaml.Node, step: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        member = node.value[step]
        return member.start_mark.line, member
    return None


class _Loader(yaml.SafeLoader):
    """Counts while it composes: the sum of an alias is that of what its anchor stands at."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = 0
        self._depth = 0
        self._deepest = 0
        self._sizes: dict[str, tuple[int, int]] = {}
        """Values and depth of what each anchor stands at."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call] # PyYAML's stubs lack it
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, parent, index)
        before, outer = self._values, self._deepest
        self._depth += 1
        self._deepest = self._depth
        self._count(1, 0, event.start_mark)
        node = super().compose_node(parent, index)
        if event.anchor is not None:
            self._sizes[event.anchor] = (self._values - before, self._deepest - self._depth + 1)
        self._deepest = max(outer, self._deepest)
        self._depth -= 1
        return node

    def _alias(self, event: Any, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        size = self._sizes.get(event.anchor)
        if size is None and event.anchor in self.anchors:
            raise yaml.composer.ComposerError(
                None, None, f"alias {event.anchor!r} stands in what it stands for", event.start_mark
            )
        self._count(*(size or (0, 0)), event.start_mark)
        return super().compose_node(parent, index)

    def _count(self, values: int, depth: int, mark: Any) -> None:
        self._values += values
        self._deepest = max(self._deepest, self._depth + depth)
        if self._values > MAX_VALUES:
            problem = f"more than {MAX_VALUES} values, with those that aliases stand for"
            raise yaml.composer.ComposerError(None, None, problem, mark)
        if self._deepest > MAX_DEPTH:
            problem = f"nested deeper than {MAX_DEPTH} levels"
            raise yaml.composer.ComposerError(None, None, problem, mark)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[Hashable] = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name is None or key.tag == _MERGE:
                continue
            if name in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {key.value!r} stands here twice", key.start_mark
                )
            seen.add(name)
        return node


# A date is a text as in JSON: nothing here has dates of its own.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
