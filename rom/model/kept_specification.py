"""A version of a specification that administrators have made, as it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class KeptSpecification:
    """One version; ``published`` is what its client says beyond what the engine understands.

    A ``withdrawn`` one is no longer shown or ordered, but orders of before still find it.
    """

    id: str
    version: str
    specification: Mapping[str, Any]
    published: Mapping[str, Any]
    withdrawn: bool
    updated_at: datetime
