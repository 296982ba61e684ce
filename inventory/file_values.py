"""The values of an inventory file: what each may look like, validated where it enters."""

import re
import unicodedata
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([kMG]?)")
_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


def printable(value: Any) -> Any:
    """Refuse control characters anywhere: values end up on command lines of routers."""
    if isinstance(value, str):
        if any(unicodedata.category(character) == "Cc" for character in value):
            raise ValueError("has a control character; write plain text on one line")
    elif isinstance(value, dict):
        for key, inner in value.items():
            printable(key)
            printable(inner)
    elif isinstance(value, list):
        for inner in value:
            printable(inner)
    return value


def _rate(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write bit/s as a number or with k, M or G, such as 1.1G")
    return round(float(match[1]) * _FACTORS[match[2]])


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("is no IANA time zone, such as Australia/Melbourne") from error
    return value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


TimeZone = Annotated[str, AfterValidator(_timezone)]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Attributes = Annotated[dict[str, JsonValue], AfterValidator(printable)]
Rate = Annotated[int, BeforeValidator(_rate), Field(ge=0, le=10**14)]
Values = Annotated[tuple[int | Text, ...], BeforeValidator(_listed)]
"""One value or a list; ``2100-2199`` is a range with both ends."""
