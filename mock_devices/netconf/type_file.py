"""The type part of schema files."""

import re
from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from mock_devices.netconf.schema import Module
from mock_devices.netconf.value_types import (
    ADDRESS_TYPES,
    INTEGER_LIMITS,
    BitsType,
    DecimalType,
    EmptyType,
    EnumerationType,
    IdentityType,
    IntegerType,
    StringType,
    UnionType,
    ValueType,
    ranges,
)

LENGTH_LIMITS = (Decimal(0), Decimal(2**64))
DECIMAL_LIMITS = (Decimal(-(2**63)), Decimal(2**63 - 1))


class TypeSpec(BaseModel):
    """A type with its restrictions as written in a schema file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    range: str = ""
    length: str = ""
    pattern: str | tuple[str, ...] = ()
    enum: tuple[str, ...] = ()
    bits: tuple[str, ...] = ()
    digits: int = 0
    base: str = ""
    path: str = ""
    requires: str = ""
    union: tuple["str | TypeSpec", ...] = ()


class TypeBuilder:
    """Builds value types, resolving the names of the file's own types and identity sets."""

    def __init__(
        self,
        types: Mapping[str, TypeSpec],
        identities: Mapping[str, tuple[str, ...]],
        modules: Mapping[str, Module],
    ) -> None:
        self._types = types
        self._identities = identities
        self._module_by_namespace = {module.namespace: name for name, module in modules.items()}

    def flat(self, spec: TypeSpec) -> TypeSpec:
        """Return the built-in type that a chain of the file's own names ends in.

        Restrictions given nearer to the leaf win.
        """
        while spec.type in self._types:
            nearer = {name: getattr(spec, name) for name in spec.model_fields_set - {"type"}}
            spec = self._types[spec.type].model_copy(update=nearer)
        return spec

    def build(self, spec: TypeSpec) -> ValueType:
        """Return the type; a leafref is a string until its target is known."""
        spec = self.flat(spec)
        if spec.type in INTEGER_LIMITS:
            low, high = map(Decimal, INTEGER_LIMITS[spec.type])
            shown = spec.range or f"{low}..{high}"
            return IntegerType(spec.type, ranges(shown, low, high), shown)
        if spec.type in ADDRESS_TYPES:
            return ADDRESS_TYPES[spec.type]
        return self._other(spec)

    def _other(self, spec: TypeSpec) -> ValueType:
        match spec.type:
            case "string":
                patterns = (spec.pattern,) if isinstance(spec.pattern, str) else spec.pattern
                lengths = ranges(spec.length, *LENGTH_LIMITS) if spec.length else ()
                return StringType(lengths, tuple(re.compile(text) for text in patterns))
            case "leafref":
                return StringType()
            case "boolean":
                return EnumerationType(("true", "false"))
            case "enumeration":
                return EnumerationType(spec.enum)
            case "bits":
                return BitsType(spec.bits)
            case "empty":
                return EmptyType()
            case "decimal64":
                parts = ranges(spec.range, *DECIMAL_LIMITS) if spec.range else ()
                return DecimalType(spec.digits, parts)
            case "identityref":
                members = frozenset(self._identities[spec.base])
                return IdentityType(members, self._module_by_namespace)
            case "union":
                return UnionType(
                    tuple(
                        self.build(TypeSpec(type=part) if isinstance(part, str) else part)
                        for part in spec.union
                    )
                )
            case _:
                raise ValueError(f"unknown type {spec.type}")
