"""Data models a profile may describe: YANG, command lines, JSON objects, MIB objects, rows.

Schema paths are canonical paths without predicates, such as
``/ietf-interfaces:interfaces/interface/enabled``.
"""

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ValueKind = Literal[
    "boolean",
    "integer",
    "decimal",
    "ipv4",
    "ipv6",
    "ipv6-prefix",
    "ipv6-interface",
    "kea-identifier",
    "lower",
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class YangModel(_Model):
    """What XML alone does not tell of YANG data (RFC 7950), by schema path."""

    namespaces: Mapping[str, str]
    """Module name to XML namespace."""
    lists: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Keys in the order of the key statement."""
    leaf_lists: frozenset[str] = frozenset()
    identityrefs: frozenset[str] = frozenset()
    presence: frozenset[str] = frozenset()
    """Presence containers and leaves of type empty."""
    user_ordered: frozenset[str] = frozenset()
    """Lists and leaf-lists whose order says something (RFC 7950 section 7.7.7). New entries go
    last, and one template may write one entry only: trees have no order."""
    values: Mapping[str, ValueKind] = Field(default_factory=dict)
    """How values are brought to their canonical form; strings stay as they are."""
    references: Mapping[str, str] = Field(default_factory=dict)
    """Leaves (keys and leaf-lists too) whose value names an entry, and the list it is in."""
    unique: frozenset[str] = frozenset()
    """Lists whose entries of one first key are one thing, wherever on the device they lie."""

    @model_validator(mode="after")
    def _refers_to_lists(self) -> Self:
        for path in (*self.references.values(), *sorted(self.unique)):
            if path not in self.lists:
                raise ValueError(f"references and unique: {path} is no list of this model")
        return self


class Shown(_Model):
    """A step of a section with its value."""

    step: str
    value: str


class CommandRule(_Model):
    """How one command of a section is read and written.

    ``step`` names it in paths; ``{word}`` in it stands for one word. ``value`` commands have one
    value, ``toggle`` commands are there or negated, ``members`` commands hold a set.
    """

    within: str = ""
    """Regular expression of the section's line; empty for the root."""
    step: str
    kind: Literal["value", "toggle", "members"] = "value"
    read: str = ""
    """Regular expression with the group ``value`` and the words of ``step``."""
    write: str = ""
    negate: str = ""
    canonical: ValueKind | None = None
    """How the value is brought to its canonical form."""
    default: Literal["yes", "no"] | None = None
    """For toggles: what holds when the configuration does not show the command."""
    all_unless_listed: Shown | None = None
    """For members: where the section shows this and not the command, all there are belong to the
    set."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.all_unless_listed and self.kind != "members":
            raise ValueError(f"{self.step}: only members can be all there are")
        if (self.kind == "toggle") != (self.default is not None):
            raise ValueError(f"{self.step}: toggles, and only they, have a default")
        if self.kind == "members" and not (self.read and self.write and self.negate):
            raise ValueError(f"{self.step}: members need read, write and negate")
        re.compile(self.within)
        re.compile(self.read)
        return self


class FreeText(_Model):
    """Text for people in a configuration, such as a banner: none of it is configuration."""

    begins: str
    """Regular expression of the line's beginning; its group ``mark``, if it has one, is the text
    that ends it, on the same line or a later one."""
    ends: str = ""
    """Regular expression of the line that ends it, where no mark does."""

    @model_validator(mode="after")
    def _ends_somehow(self) -> Self:
        re.compile(self.ends)
        if ("mark" in re.compile(self.begins).groupindex) == bool(self.ends):
            raise ValueError(f"{self.begins}: either a group 'mark' or ends tells the end")
        return self


class Negation(_Model):
    """An exception from ``no <line>``: what to send to remove a matching line."""

    line: str
    """Regular expression."""
    send: str
    """Replacement as for ``re.sub``."""


class Closing(_Model):
    """A section that must be left by a command of its own."""

    section: str
    line: str


class LineReference(_Model):
    """A line whose value names root sections, such as the VLAN that a port is in."""

    within: str = ""
    """Regular expression of the section's line; empty for the root."""
    step: str
    """Regular expression of the step; its group ``value``, if it has one, is the value."""
    names: str
    """Regular expression of the sections' lines with ``{value}`` where the name stands."""

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        re.compile(self.within)
        re.compile(self.step)
        if "{value}" not in self.names:
            raise ValueError(f"names: {self.names!r} has no {{value}}")
        re.compile(self.names_read)
        return self

    @property
    def names_read(self) -> str:
        """Return the regular expression of the sections, with the group ``value``."""
        return self.names.replace("{value}", "(?P<value>.+)", 1)


class CliModel(_Model):
    """The grammar of a command line's configuration."""

    commands: tuple[CommandRule, ...] = ()
    negations: tuple[Negation, ...] = ()
    order: tuple[str, ...] = ("*",)
    """Regular expressions in the order lines are sent; ``*`` is where all others go."""
    sections: tuple[str, ...] = ()
    """Root sections others refer to: removed last, in reverse order."""
    permanent: tuple[str, ...] = ()
    """Sections that cannot be removed, such as physical ports."""
    ignored: tuple[str, ...] = ()
    """Lines of a read that are not configuration."""
    texts: tuple[FreeText, ...] = ()
    """What begins and ends text that is not configuration."""
    shared_lines: tuple[str, ...] = ()
    """Root lines that stand for several, with the list of what tells them apart as group
    ``value``, such as the VLANs without a name."""
    closings: tuple[Closing, ...] = ()
    refused: str = ""
    """Characters a value must not hold because the command line acts on them."""
    references: tuple[LineReference, ...] = ()
    """Lines that refer to root sections."""


class DataModel(_Model):
    """JSON objects."""

    lists: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Keys of lists of objects; ``a|b`` takes the first of them that an object has."""
    types: Mapping[str, Literal["integer", "boolean", "number"]] = Field(default_factory=dict)
    """Members that are no strings."""
    values: Mapping[str, ValueKind] = Field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    """Members the device adds by itself; no part of what it is told to hold."""
    filled: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    """What a device shows of an entry that was set without it, by the entry's schema path and name:
    the text itself or, with a slash before it, the member of the whole from which the entry has it.
    ``/a|/b`` takes the first that is there. Such a value is nobody's content."""


class Table(_Model):
    """A table of rows: key columns and the others."""

    keys: tuple[str, ...]
    columns: tuple[str, ...]
    integers: frozenset[str] = frozenset()
    beside: Mapping[str, frozenset[str]] = Field(default_factory=dict)
    """Cells by which a row stands beside others of the same key instead of being the one."""


class RadiusModel(_Model):
    """Tables of FreeRADIUS' rlm_sql schema."""

    tables: Mapping[str, Table]
    references: Mapping[str, str] = Field(default_factory=dict)
    """Columns whose value is the first key of rows of another table, as ``/table/column``."""


Syntax = Literal["octets", "integer", "oid", "transport-address"]


class MibObject(_Model):
    """A column or scalar: its OID (without instance) and syntax."""

    oid: str = Field(pattern=r"^\d+(\.\d+)+$")
    syntax: Syntax = "octets"


class MibTable(_Model):
    """A conceptual row (RFC 2578 section 7.1.12) or a group of scalars (no index)."""

    index: Mapping[str, Literal["integer", "implied-string"]] = Field(default_factory=dict)
    row_status: str = ""
    """OID of the RowStatus column (RFC 2579); empty where rows cannot be created."""
    columns: Mapping[str, MibObject]


class SnmpModel(_Model):
    """MIB objects by table."""

    tables: Mapping[str, MibTable]
