"""What a list is narrowed down to, free of any API's syntax and of SQL."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Path = tuple[str, ...]
"""Names of attributes from the outermost in; arrays on the way are passed through."""

Operand = str | int | float | bool | datetime
"""What a value is compared with; a moment has a time zone and counts in milliseconds."""


class Operator(StrEnum):
    """How a value stands to an operand."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Some value at the path stands so to some operand; ``NE``: no value equals any operand.

    Only values of the operand's own JSON type are compared; a regular expression is searched in
    texts. An absent value is equal to nothing.
    """

    path: Path
    operator: Operator
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """One and the same element of the array at the path fulfils the condition inside."""

    path: Path
    inside: "Condition"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of the conditions holds; of none, always."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the conditions holds; of none, never."""

    conditions: tuple["Condition", ...]


Condition = Comparison | Each | AllOf | AnyOf

EVERYTHING = AllOf(())


@dataclass(frozen=True, slots=True)
class Sort:
    """One key to sort by; what lacks the value comes last either way."""

    path: Path
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of what fulfils a condition; without ``sort`` in the collection's own order."""

    condition: Condition = EVERYTHING
    sort: tuple[Sort, ...] = ()
    offset: int = 0
    limit: int = 100


class ListingRefused(Exception):
    """The database cannot answer: the text says why."""
