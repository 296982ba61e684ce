"""A schema small enough to see through, and shorthands to edit and read its data."""

from collections.abc import Callable
from typing import Any

import pytest

from mock_devices.netconf.edit import Editor, EditRefusedError
from mock_devices.netconf.errors import InvalidConfigurationError
from mock_devices.netconf.markup import BASE, parse
from mock_devices.netconf.schema import Schema, instance_path
from mock_devices.netconf.schema_file import load_schema, schema_from_text
from mock_devices.netconf.tree import EMPTY, Container
from mock_devices.netconf.validation import Validator
from mock_devices.netconf.writing import Writer

SMALL = r"""
name: small
conceals: "{digest} hash2"
modules:
  top: {namespace: "urn:top", prefix: t}
  kinds: {namespace: "urn:kinds", prefix: k}
identities: {kind: ["kinds:a", "kinds:b"]}
data:
  container top:
    module: top
    nodes:
      leaf number: {type: uint16, range: "64..9000", default: "1500"}
      leaf word: string
      leaf mark: empty
      leaf secret: {type: string, hashed: true}
      leaf kind: {type: identityref, base: kind}
      leaf address: ipv6-address
      leaf rate: {type: decimal64, digits: 3}
      leaf one: {type: string, choice: way one}
      leaf two: {type: string, choice: way two}
      leaf seen: {type: string, config: false}
      leaf-list tags: uint16
      leaf-list ordered: {type: string, ordered_by: user}
      container flag: {presence: true}
      container box:
        nodes:
          leaf inside: string
      list item:
        keys: name
        unique: [slot]
        must:
          - {xpath: not(low > high), message: low must not exceed high}
        nodes:
          leaf name: string
          leaf slot: uint8
          leaf low: {type: uint8, default: "5"}
          leaf high: uint8
          leaf needed: {type: string, when: high, mandatory: true}
          list part:
            keys: x y
            nodes:
              leaf x: string
              leaf y: string
              leaf id: {type: uint8, unique: true}
          leaf first: {type: leafref, path: ../part/x}
      leaf chosen: {type: leafref, path: /top/item/name}
      leaf fit: {type: leafref, path: /top/item/name, requires: slot = 1}
      leaf-list many: {type: leafref, path: /top/item/name}
"""


class Bench:
    """Edits a tree of the small schema and says what was refused, in one line."""

    BASE = BASE
    load = staticmethod(load_schema)
    schema_from_text = staticmethod(schema_from_text)

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.state = EMPTY
        self.editor = Editor(schema)

    def config(self, content: str) -> Any:
        spaces = f'xmlns="{BASE}" xmlns:nc="{BASE}" xmlns:q="urn:kinds"'
        return parse(f"<config {spaces}>{content}</config>".encode())

    def edit(self, content: str, default: str = "merge") -> Container:
        self.state = self.editor.apply(self.state, self.config(content), default)
        return self.state

    def top(self, content: str, default: str = "merge") -> Container:
        return self.edit(f'<top xmlns="urn:top">{content}</top>', default).container("top")

    def refusal(self, content: str, default: str = "merge") -> str:
        """Return ``tag path`` of the refused edit inside top."""
        with pytest.raises(EditRefusedError) as refused:
            self.top(content, default)
        error = refused.value.error
        return f"{error.tag} {instance_path(error.where) if error.where else ''}"

    def validated(self) -> list[str]:
        """Return ``app-tag-or-tag path`` of everything wrong, judged from an empty device."""
        try:
            Validator(self.schema).check(self.state)
        except InvalidConfigurationError as invalid:
            return [
                f"{error.app_tag or error.tag} {instance_path(error.where) if error.where else ''}"
                for error in invalid.errors
            ]
        return []

    def xml(self, state: Container | None = None) -> str:
        return Writer(self.schema).document(state or self.state, "config", BASE).decode()


@pytest.fixture
def bench() -> Bench:
    return Bench(schema_from_text(SMALL))


@pytest.fixture
def bench_of() -> Callable[[str], Bench]:
    """Return a bench of a shipped schema."""
    return lambda name: Bench(load_schema(name))


@pytest.fixture
def small_schema() -> str:
    return SMALL
