"""Measures an order's values against a specification and computes what follows from them."""

import math
import re
from collections.abc import Mapping
from typing import Any

from rom.catalog.bandwidth import Bandwidth
from rom.catalog.errors import CharacteristicError, ExpressionError
from rom.catalog.expressions import evaluate
from rom.catalog.patterns import matches
from rom.catalog.specification import Characteristic, CharacteristicType, Specification
from rom.model.text import control_character

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_INTEGER = re.compile(r"-?[0-9]{1,15}")


def typed_characteristics(
    spec: Specification, raw: Mapping[str, Any], *, partial: bool = False
) -> dict[str, Any]:
    """Return the values of ``raw`` in their types, defaults filled in, in the catalog's order.

    With ``partial`` (a modify or delete, which name only what changes) nothing is required and no
    default is filled in. Raises ``CharacteristicError`` for an unknown name, a missing value or
    one that the specification refuses.
    """
    known = {characteristic.name: characteristic for characteristic in spec.characteristics}
    for name in raw:
        if name not in known:
            raise CharacteristicError(
                str(name)[:100],
                f"{spec.id} has no such characteristic",
                f"use {', '.join(known) or 'none'}",
            )
    result: dict[str, Any] = {}
    for name, characteristic in known.items():
        value = raw.get(name)
        if value is None and not partial:
            value = characteristic.default
        if value is not None:
            result[name] = typed_value(characteristic, value)
        elif characteristic.required and not partial:
            raise CharacteristicError(name, "is missing", f"give {_wanted(characteristic)}")
        elif name in raw:
            raise CharacteristicError(name, "has no value", f"give {_wanted(characteristic)}")
    return result


def typed_value(characteristic: Characteristic, value: object) -> Any:
    """Return one value in its type; raises ``CharacteristicError``."""
    name = characteristic.name
    if isinstance(value, str) and (found := control_character(value)) is not None:
        raise CharacteristicError(
            name, f"contains the control character {found}", "send printable text only"
        )
    try:
        typed = _as_type(characteristic.type, value)
        _check_content(characteristic, typed)
        _check_limits(characteristic, typed)
    except ValueError as error:
        raise CharacteristicError(name, str(error), f"give {_wanted(characteristic)}") from error
    return typed


def with_derived(spec: Specification, chars: Mapping[str, Any]) -> dict[str, Any]:
    """Return typed characteristics together with the derived values, which later ones may use.

    Raises ``CharacteristicError`` naming the derived value that cannot be computed.
    """
    result = dict(chars)
    for derived in spec.derive:
        try:
            result[derived.name] = _as_derived(
                derived.type, evaluate(derived.expression, {**result})
            )
        except (ExpressionError, ValueError) as error:
            raise CharacteristicError(
                derived.name, f"cannot be derived: {error}", "give the values it is made of"
            ) from error
    return result


def _as_derived(kind: CharacteristicType, value: object) -> Any:
    if kind == "string" and not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    if isinstance(value, str) and (found := control_character(value)) is not None:
        raise ValueError(f"contains the control character {found}")
    return _as_type(kind, value)


def _as_type(kind: CharacteristicType, value: object) -> Any:
    match kind:
        case "string" | "enum":
            return _text(value)
        case "bandwidth":
            return _device_rate(value)
        case "boolean":
            return _boolean(value)
        case "integer":
            return _integer(value)
        case "number":
            return _number(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is no text")
    return value


def _device_rate(value: object) -> Bandwidth:
    rate = Bandwidth.parse(value)
    if rate.bps % 1000:
        raise ValueError(f"{rate.bps} bit/s is no whole number of kbit/s, the devices' grain")
    return rate


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueError(f"{_shown(value)} is neither true nor false")


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise ValueError(f"{_shown(value)} is no whole number")


def _number(value: object) -> int | float:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    raise ValueError(f"{_shown(value)} is no number")


def _check_content(characteristic: Characteristic, value: object) -> None:
    if characteristic.enum and value not in characteristic.enum:
        raise ValueError(f"{_shown(value)} is not one of {', '.join(characteristic.enum)}")
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("is blank")
        if characteristic.pattern is not None and not matches(characteristic.pattern, value):
            raise ValueError(f"{_shown(value)} does not match {characteristic.pattern}")


def _check_limits(characteristic: Characteristic, value: Any) -> None:
    if characteristic.minimum is not None:
        minimum = _as_type(characteristic.type, characteristic.minimum)
        if value < minimum:
            raise ValueError(f"{_plainly(value)} is below the minimum {minimum}")
    if characteristic.maximum is not None:
        maximum = _as_type(characteristic.type, characteristic.maximum)
        if value > maximum:
            raise ValueError(f"{_plainly(value)} is above the maximum {maximum}")


def _plainly(value: object) -> str:
    return str(value) if isinstance(value, Bandwidth) else _shown(value)


def _shown(value: object) -> str:
    # A refused number may have thousands of digits, more than Python turns into text.
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number of more than 30 digits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _wanted(characteristic: Characteristic) -> str:
    if characteristic.enum:
        return f"one of {', '.join(characteristic.enum)}"
    words = {
        "string": "text",
        "integer": "a whole number",
        "number": "a number",
        "bandwidth": "a rate such as 500M or 1G",
        "boolean": "true or false",
        "enum": "",
    }[characteristic.type]
    if characteristic.pattern is not None:
        words += f" matching {characteristic.pattern}"
    if characteristic.minimum is not None:
        words += f" from {characteristic.minimum}"
    if characteristic.maximum is not None:
        words += f" up to {characteristic.maximum}"
    return words
