"""What a platform can take of the names that its templates put into texts of a device.

A profile says so as data. Who enters a site or orders for it hears of it then, and not when the
first devices of the site have been written.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

NameOf = Literal["site.key", "site.name", "customer.id", "customer.name", "customer.vpn"]


class Limit(BaseModel):
    """What one value may be at most; ``pattern`` is for the whole of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    longest: int | None = Field(default=None, ge=1)
    pattern: str = ""
    becomes: str
    """What it is on the device, for people."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value


@dataclass(frozen=True, slots=True)
class Unfit:
    """A value that a platform cannot take."""

    value: str
    reason: str
    mend: str


def unfit(
    platform: str, limits: Mapping[NameOf, Limit], values: Mapping[str, str]
) -> Iterator[Unfit]:
    """Yield which of the values, by their names in ``limits``, the platform cannot take."""
    for name, limit in limits.items():
        text = values.get(name)
        if text is None:
            continue
        becomes = f"{platform} makes it its {limit.becomes}"
        if limit.longest is not None and len(text) > limit.longest:
            reason = f"has {len(text)} characters, and {becomes}"
            yield Unfit(name, reason, f"use at most {limit.longest}")
        elif limit.pattern and not re.fullmatch(limit.pattern, text):
            wrong = next((c for c in text if not re.fullmatch(limit.pattern, c)), text[0])
            reason = f"has {wrong!r}, and {becomes}"
            yield Unfit(name, reason, f"use what matches {limit.pattern}")
