"""YAML files of the lab: what aliases stand for is counted before anybody walks through it."""

from typing import Any

import yaml

MAX_VALUES = 1_000_000
"""Most values of one file, those that aliases stand for among them."""


def read_yaml(text: str) -> Any:
    """Return what a YAML text says; raises ``yaml.YAMLError``, also for one beyond the bound."""
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if _size(root, {}) > MAX_VALUES:
            raise yaml.YAMLError(f"stands for more than {MAX_VALUES} values")
        return loader.construct_document(root)
    except RecursionError as error:
        raise yaml.YAMLError("is nested too deep") from error
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the values below a node, each as often as aliases repeat it."""
    if id(node) not in known:
        known[id(node)] = MAX_VALUES  # what stands in itself never ends
        known[id(node)] = 1 + sum(_size(inner, known) for inner in _inside(node))
    return known[id(node)]


def _inside(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
