"""The values of an inventory file: what each may look like, validated where it enters.

Every bound is looked at before anything is made of a value, and each refusal names it.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

MOST_VALUES = 65_536
"""Longest list of single values; a range counts as one."""
MOST_ATTRIBUTES = 200
MOST_CHARACTERS = 10_000
"""Of the texts and names in one mapping of attributes, altogether."""
LONGEST_TEXT = 200
_GREATEST = 10**15
_SHOWN = 3
_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([kMG]?)")
_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
# Cc: control, Cs: lone surrogates, Cn: nothing yet, Zl and Zp: line and paragraph separators, Cf:
# what is not seen, such as changes of direction. All but the last stop a template too.
_REFUSED = frozenset({"Cc", "Cs", "Cn", "Zl", "Zp", "Cf"})


def printable(value: Any) -> Any:
    """Refuse control characters anywhere: values end up on command lines of routers."""
    for text in _texts(value):
        if text.isascii() and text.isprintable():
            continue
        for character in text:
            if unicodedata.category(character) in _REFUSED:
                raise ValueError(
                    f"has the control character U+{ord(character):04X}; write plain text on one "
                    "line"
                )
    return value


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            waiting += [*found.keys(), *found.values()]
        elif isinstance(found, list | tuple):
            waiting += found


def small(value: Any) -> Any:
    """Refuse a mapping of more values or characters than one entry has use for."""
    waiting, values, characters = [value], 0, 0
    while waiting:
        found = waiting.pop()
        values += 1
        if isinstance(found, str):
            characters += len(found)
        elif isinstance(found, dict):
            waiting += [*found.keys(), *found.values()]
        elif isinstance(found, list | tuple):
            waiting += found
        if values > 2 * MOST_ATTRIBUTES + 1 or characters > MOST_CHARACTERS:
            raise ValueError(
                f"has more than {MOST_ATTRIBUTES} values or {MOST_CHARACTERS} characters"
            )
    return value


def _rate(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write bit/s as a number or with k, M or G, such as 1.1G")
    return round(float(match[1]) * _FACTORS[match[2]])


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _timezone(value: str) -> str:
    if value not in _timezones():
        raise ValueError("is no IANA time zone, such as Australia/Melbourne")
    return value


def _listed(value: Any) -> Any:
    """Return single values as a list of them; one finding tells of all that are wrong."""
    values = value if isinstance(value, list | tuple) else [value]
    if len(values) > MOST_VALUES:
        raise ValueError(f"has more than {MOST_VALUES} values; write ranges, or more than one pool")
    wrong = [index for index, each in enumerate(values) if not _is_single(each)]
    if wrong:
        places = ", ".join(str(index + 1) for index in wrong[:_SHOWN])
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ValueError(
            f"value {places}{more} is neither a whole number nor a text of 1 to {LONGEST_TEXT} "
            "printable characters"
        )
    return tuple(values)


def listed_within(value: Any) -> Any:
    """Refuse a list that is too long before its members are looked at."""
    if isinstance(value, list | tuple) and len(value) > MOST_VALUES:
        raise ValueError(f"has {len(value)} members, more than {MOST_VALUES}")
    return value


def _is_single(value: Any) -> bool:
    if isinstance(value, str):
        try:
            printable(value)
        except ValueError:
            return False
        return 1 <= len(value) <= LONGEST_TEXT
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _GREATEST


TimeZone = Annotated[str, AfterValidator(_timezone)]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(printable)]
Bounded = BeforeValidator(listed_within)
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Attributes = Annotated[dict[str, JsonValue], BeforeValidator(small), AfterValidator(printable)]
Rate = Annotated[int, BeforeValidator(_rate), Field(ge=0, le=10**14)]
Values = Annotated[tuple[int | str, ...], BeforeValidator(_listed)]
"""One value or a list; ``2100-2199`` is a range with both ends."""
