"""Operational state that follows from the configuration by the ``state`` of a schema file."""

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from mock_devices.netconf.bare_tree import BareTree
from mock_devices.netconf.behaviour import StateList
from mock_devices.netconf.expressions import Expression, Function, as_text
from mock_devices.netconf.operational import StateData, StateRequest
from mock_devices.netconf.schema import Branch, ListSchema, Schema
from mock_devices.netconf.tree import Container

Link = Callable[[str], bool]
"""Tells whether a port has light."""
BgpState = Callable[[str, str], str]
"""Session state by VRF name and neighbour address, such as ``Established`` (RFC 4271 8.2.2)."""


class DerivedState:
    """State of a device whose schema says how it follows from configuration and plant."""

    def __init__(
        self,
        schema: Schema,
        link: Link = lambda _: True,
        session: BgpState = lambda _vrf, _neighbour: "Active",
    ) -> None:
        functions: Mapping[str, Function] = {
            "link": lambda _, port: link(as_text(port)),
            "session": lambda _, vrf, address: session(as_text(vrf), as_text(address)),
        }
        self._bare = BareTree(schema)
        self._lists = [_DerivedList(schema.root, (), rule, functions) for rule in schema.state]

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return every list asked for."""
        found: dict[str, Any] = {}
        wanted = [rule for rule in self._lists if request.wants(*rule.place)]
        for rule in wanted:
            _put(found, rule.steps, rule.entries(self._bare.of(running), request))
        return found


class _DerivedList:
    """One list with its expressions compiled."""

    def __init__(
        self,
        above: Branch,
        place: tuple[str, ...],
        rule: StateList,
        functions: Mapping[str, Function],
    ) -> None:
        self.steps = tuple(rule.list.split("/"))
        node, called = above, list(place)
        for step in self.steps:
            below = node.children.get(step)
            if not isinstance(below, Branch):
                raise ValueError(f"state {rule.list}: {node.name} has no {step}")
            node = below
            called.append(node.called)
        if not isinstance(node, ListSchema):
            raise ValueError(f"state {rule.list}: {node.name} is no list")
        self.place = tuple(called)
        """Where the list is in XML."""
        self._key = node.keys[0] if len(node.keys) == 1 else ""
        self._each = Expression(rule.each, functions)
        self._leaves = {
            tuple(name.split("/")): Expression(text, functions)
            for name, text in rule.leaves.items()
        }
        self._lists = [_DerivedList(node, self.place, inner, functions) for inner in rule.lists]

    def entries(self, context: etree._Element, request: StateRequest) -> list[dict[str, Any]]:
        """Return the entries asked for."""
        asked = request.names(*self.place, key=self._key) if self._key else None
        made = []
        for element in self._each.nodes(context):
            entry: dict[str, Any] = {}
            if asked is not None and self._leaves[self._key,].text(element) not in asked:
                continue
            for name, value in self._leaves.items():
                _put(entry, name, value.text(element))
            for inner in self._lists:
                _put(entry, inner.steps, inner.entries(element, request))
            made.append(entry)
        return made


def _put(into: dict[str, Any], steps: tuple[str, ...], value: object) -> None:
    for step in steps[:-1]:
        into = into.setdefault(step, {})
    into[steps[-1]] = value
