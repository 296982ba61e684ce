"""The filters of TMF630 Part 1: one small parser from a query string to conditions.

A parameter is a dotted path, an operator and a value. A comma, a ``;`` and a repetition mean or;
``&`` means and. Conditions that are joined by and, and whose paths lead through the same array,
are about one element of it: TMF630 does not promise that, and anything else surprises.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import unquote_plus

from api.entities import Attribute, UnknownAttribute, along, names
from api.errors import ApiError
from inventory.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Each,
    Operand,
    Operator,
    Path,
)

MAX_PARAMETERS = 50
MAX_VALUES = 200
MAX_PATTERN = 200
_MAX_VALUE = 1000

_SYNTAX = re.compile(
    r"(?P<path>[A-Za-z@][\w@.-]*?)"
    r"(?:\.(?P<word>gt|gte|lt|lte|eq|ne|regex))?"
    r"(?P<sign>\*=|!=|>=|<=|=|>|<)"
    r"(?P<value>.*)",
    re.DOTALL | re.ASCII,
)
_SIGNS = {
    "*=": Operator.REGEX,
    "!=": Operator.NE,
    ">=": Operator.GTE,
    "<=": Operator.LTE,
    ">": Operator.GT,
    "<": Operator.LT,
    "=": Operator.EQ,
}
_ORDERING = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$", re.ASCII)
# Look-around and back references cost more than any list is worth, and no two engines agree.
_REFUSED_PATTERN = re.compile(r"\(\?|\\[0-9AZmMyYbB]|\*\*|\{\d{3,}")


def invalid_parameter(name: str, reason: str, fix: str) -> ApiError:
    """Say what is wrong with the query parameter ``name``."""
    return ApiError(
        HTTPStatus.BAD_REQUEST, "invalidQuery", f"{name}: query parameter {reason}", fix
    )


def parse_filters(
    entity: str, segments: Sequence[str], unsearchable: Iterable[Path] = ()
) -> Condition:
    """Return what the raw (still encoded) parameters ask of things of ``entity``.

    Raises ``ApiError`` (400) naming the parameter for an unknown or ``unsearchable`` path, a bad
    operator and a value that is none of the attribute's type.
    """
    if len(segments) > MAX_PARAMETERS:
        raise invalid_parameter("query", "list is too long", f"Give at most {MAX_PARAMETERS}")
    refused = frozenset(unsearchable)
    single: dict[tuple[Path, Operator], Comparison] = {}
    others: list[Condition] = []
    for segment in segments:
        alternatives = _alternatives(entity, segment, refused)
        if len(alternatives) > 1:
            others.append(AnyOf(tuple(_grouped(entity, [part]) for part in alternatives)))
            continue
        only = alternatives[0]
        key = (only.path, only.operator)
        if key in single:  # repeated: one more value
            only = Comparison(*key, single[key].operands + only.operands)
        single[key] = only
    return AllOf((_grouped(entity, list(single.values())), *others))


def _alternatives(entity: str, segment: str, refused: frozenset[Path]) -> list[Comparison]:
    """Split at ``;``; what has no operator of its own is one more value of what came before."""
    found: dict[tuple[Path, Operator], Comparison] = {}
    last: tuple[Path, Operator] | None = None
    for raw in segment.split(";"):
        text = unquote_plus(raw)
        if _SYNTAX.fullmatch(text):
            asked = _comparison(entity, text, refused)
            last = (asked.path, asked.operator)
        elif last is not None and text:
            asked = Comparison(*last, _operands(entity, *last, text, ".".join(last[0])))
        else:
            raise invalid_parameter(text[:60] or "query", "has no value", "Write attribute=value")
        known = found.get(last)
        before = known.operands if known else ()
        found[last] = Comparison(*last, before + asked.operands)
    return list(found.values())


def _comparison(entity: str, text: str, refused: frozenset[Path]) -> Comparison:
    match = _SYNTAX.fullmatch(text)
    assert match is not None  # noqa: S101 - the caller has looked
    name, word, sign = match["path"], match["word"], match["sign"]
    path = tuple(name.split("."))
    operator = Operator(word) if word else _SIGNS[sign]
    if word and sign != "=":
        raise invalid_parameter(name, "has two operators", f"Write {name}.{word}=value")
    attribute = known_attribute(entity, path)[-1]
    if path in refused:
        raise invalid_parameter(name, "cannot be searched", "Leave it out")
    if attribute.is_entity:
        raise invalid_parameter(
            name, "is no simple attribute", f"Name one of {', '.join(names(attribute.kind))} in it"
        )
    return Comparison(path, operator, _operands(entity, path, operator, match["value"], name))


def known_attribute(entity: str, path: Path) -> tuple[Attribute, ...]:
    """Return the attributes along ``path``; raises ``ApiError`` (400) for an unknown one."""
    try:
        return along(entity, path)
    except UnknownAttribute as error:
        raise invalid_parameter(
            ".".join(path)[:100], "is not known here", f"Known here: {', '.join(names(entity))}"
        ) from error


def _operands(
    entity: str, path: Path, operator: Operator, text: str, name: str
) -> tuple[Operand, ...]:
    if not text.strip() or "\0" in text:
        raise invalid_parameter(name, "has no usable value", "Give a value or leave it out")
    if len(text) > _MAX_VALUE * 10:
        raise invalid_parameter(name, "is too long", "Ask in several requests")
    attribute = along(entity, path)[-1]
    if operator is Operator.REGEX:
        return (_pattern(name, text, attribute),)
    values = _split(text.strip())
    if len(values) > MAX_VALUES:
        raise invalid_parameter(name, "has too many values", f"Give at most {MAX_VALUES}")
    return tuple(
        operand for value in values for operand in _typed(name, attribute, operator, value)
    )


def _split(text: str) -> list[str]:
    """Split at commas outside of quotes; quotes around a value are no part of it."""
    found, current, quote = [], "", ""
    for character in text:
        if quote:
            if character == quote:
                quote = ""
            else:
                current += character
        elif character in "'\"" and not current:
            quote = character
        elif character == ",":
            found.append(current)
            current = ""
        else:
            current += character
    return [*found, current] if not quote else [text]


def _pattern(name: str, text: str, attribute: Attribute) -> str:
    if attribute.kind not in {"text", "any"}:
        raise invalid_parameter(name, "is no text", "A regular expression is for texts")
    if len(text) > MAX_PATTERN:
        raise invalid_parameter(name, "is too long", f"Give at most {MAX_PATTERN} characters")
    fix = "Use characters, classes, groups, | and the quantifiers * + ? {n,m} up to 99"
    if _REFUSED_PATTERN.search(text):
        raise invalid_parameter(name, "is a regular expression that is not taken", fix)
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise invalid_parameter(name, f"is no regular expression: {error}", fix) from error
    return text


def _typed(name: str, attribute: Attribute, operator: Operator, text: str) -> tuple[Operand, ...]:
    match attribute.kind:
        case "moment":
            return (_moment(name, text),)
        case "integer" | "number":
            return (_number(name, text),)
        case "flag":
            if text not in ("true", "false") or operator in _ORDERING:
                raise invalid_parameter(name, "is true or false", f"Write {name}=true")
            return (text == "true",)
        case "any":
            return _of_any_type(operator, text)
        case _:
            if attribute.words and operator not in _ORDERING and text not in attribute.words:
                choices = ", ".join(attribute.words)
                raise invalid_parameter(name, f"has no such value: {text}", f"Known: {choices}")
            return (text,)


def _of_any_type(operator: Operator, text: str) -> tuple[Operand, ...]:
    if _NUMBER.fullmatch(text):
        number = float(text) if "." in text else int(text)
        return (text, number) if operator not in _ORDERING else (number,)
    if text in ("true", "false") and operator not in _ORDERING:
        return (text, text == "true")
    return (text,)


def _number(name: str, text: str) -> Operand:
    if not _NUMBER.fullmatch(text.strip()):
        raise invalid_parameter(name, f"is no number: {text[:40]}", "Give a number such as 2")
    return float(text) if "." in text else int(text)


def _moment(name: str, text: str) -> datetime:
    """Read a date or date-time; without an offset it is UTC, a date alone is its midnight."""
    # The plus of an offset arrives as a space unless the client encodes it.
    repaired = _LOST_PLUS.sub(r"+\1", text.strip())
    try:
        moment = datetime.fromisoformat(repaired)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise invalid_parameter(
            name, f"is no date: {text[:40]}", "Give one such as 2026-03-31T19:50:43Z"
        ) from error


def _grouped(entity: str, parts: list[Comparison]) -> Condition:
    """Join by and; what leads through the same array is about one element of it."""
    alone: list[Condition] = []
    through: dict[Path, list[Comparison]] = {}
    for part in parts:
        array = _first_array(entity, part.path)
        if array is None:
            alone.append(part)
        else:
            through.setdefault(array, []).append(part)
    for array, inside in through.items():
        if len(inside) == 1 and inside[0].operator is not Operator.NE:
            alone.append(inside[0])
            continue
        element = along(entity, array)[-1].kind
        relative = [
            Comparison(part.path[len(array) :], part.operator, part.operands) for part in inside
        ]
        alone.append(Each(array, _grouped(element, relative)))
    return alone[0] if len(alone) == 1 else AllOf(tuple(alone))


def _first_array(entity: str, path: Path) -> Path | None:
    for length, attribute in enumerate(along(entity, path), start=1):
        if attribute.many and length < len(path):
            return path[:length]
    return None
