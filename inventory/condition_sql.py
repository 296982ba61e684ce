"""Conditions as SQL of PostgreSQL. Every value and every path is a bound parameter."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from inventory.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Each,
    ListingRefused,
    Operand,
    Operator,
    Path,
    Sort,
)

TIMEOUT_MILLISECONDS = 5000
"""Longest one statement of a list may run, so that no filter holds up the database."""

_MILLISECOND = timedelta(milliseconds=1)
_SIGNS = {
    Operator.EQ: "==",
    Operator.NE: "==",  # compiled as the opposite of EQ
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
}
_Sql = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Shape:
    """Where the attributes of a thing are: in columns, in rows of their own, in a document.

    ``searched`` is an indexed expression that holds the members of the document which do not begin
    with a name in ``unsearched``. Moments in documents are texts in UTC with milliseconds.
    """

    columns: Mapping[Path, sa.ColumnElement[Any]] = field(default_factory=dict)
    elements: Mapping[Path, "Elements"] = field(default_factory=dict)
    document: sa.ColumnElement[Any] | None = None
    searched: sa.ColumnElement[Any] | None = None
    unsearched: frozenset[str] = frozenset()

    def knows(self, path: Path) -> bool:
        """Whether the path leads to a column or through rows, not only into the document."""
        return path in self.columns or any(
            path[:length] in self.elements for length in range(1, len(path))
        )


class Kept(StrEnum):
    """How the rows of an array's elements and the owner's document belong together."""

    IN_ROWS = "in rows"
    """The document knows nothing of them."""
    IN_BOTH = "in both"
    """The document has the same elements, all but the rows' columns."""
    APART = "apart"
    """The document has some elements, the rows have others."""


@dataclass(frozen=True)
class Elements:
    """The elements of an array as rows: of ``rows``, those where ``belongs`` holds."""

    rows: sa.FromClause
    belongs: _Sql
    shape: Shape
    kept: Kept = Kept.IN_ROWS


def where(condition: Condition, shape: Shape) -> _Sql:
    """Return the condition over things of ``shape``."""
    match condition:
        case AllOf(conditions):
            return sa.and_(sa.true(), *(where(part, shape) for part in conditions))
        case AnyOf(conditions):
            return sa.or_(sa.false(), *(where(part, shape) for part in conditions))
        case Each(path, inside):
            return _each(path, inside, shape)
        case Comparison(path, Operator.NE, operands):
            equal = _comparison(Comparison(path, Operator.EQ, operands), shape)
            return sa.not_(sa.func.coalesce(equal, sa.false()))
        case Comparison():
            return _comparison(condition, shape)


def order_by(sort: tuple[Sort, ...], shape: Shape) -> list[sa.UnaryExpression[Any]]:
    """Return what to order by."""
    found = []
    for key in sort:
        value = shape.columns.get(key.path)
        if value is None:
            document = _document(shape)
            value = document.op("#>", return_type=JSONB())(
                sa.cast(list(key.path), sa.ARRAY(sa.Text))
            )
        found.append((value.desc() if key.descending else value.asc()).nulls_last())
    return found


@contextmanager
def bounded(connection: sa.Connection) -> Iterator[None]:
    """Run lists inside; raises ``ListingRefused`` for a bad pattern and for what takes too long."""
    connection.execute(sa.text(f"SET LOCAL statement_timeout = {TIMEOUT_MILLISECONDS}"))
    try:
        yield
    except sa.exc.DBAPIError as error:
        if isinstance(error.orig, errors.InvalidRegularExpression):
            raise ListingRefused("a regular expression is not valid") from error
        if isinstance(error.orig, errors.QueryCanceled):
            raise ListingRefused(
                f"it takes longer than {TIMEOUT_MILLISECONDS // 1000} seconds"
            ) from error
        raise
    connection.execute(sa.text("SET LOCAL statement_timeout = DEFAULT"))


def _comparison(asked: Comparison, shape: Shape) -> _Sql:
    column = shape.columns.get(asked.path)
    if column is not None:
        return sa.or_(
            sa.false(), *(_of_column(column, asked.operator, value) for value in asked.operands)
        )
    for length in range(1, len(asked.path)):
        elements = shape.elements.get(asked.path[:length])
        rest = asked.path[length:]
        if elements is None or (elements.kept is Kept.IN_BOTH and not elements.shape.knows(rest)):
            continue
        inside = Comparison(rest, asked.operator, asked.operands)
        found = _exists(elements, where(inside, elements.shape))
        return sa.or_(found, _stored(asked, shape)) if elements.kept is Kept.APART else found
    return _stored(asked, shape)


def _stored(asked: Comparison, shape: Shape) -> _Sql:
    document = _document(shape)
    # The index answers equality only; for the rest making the expression would cost more.
    indexed = asked.operator is Operator.EQ and asked.path[0] not in shape.unsearched
    if shape.searched is not None and indexed:
        document = shape.searched
    return document.op("@?", is_comparison=True)(_jsonpath(asked))


def _each(path: Path, inside: Condition, shape: Shape) -> _Sql:
    elements = shape.elements.get(path)
    if elements is not None:
        found = _exists(elements, where(inside, elements.shape))
        return (
            sa.or_(found, _each_stored(path, inside, shape))
            if (elements.kept is Kept.APART)
            else found
        )
    return _each_stored(path, inside, shape)


def _each_stored(path: Path, inside: Condition, shape: Shape) -> _Sql:
    text = "$" + "".join(f".{_quoted(name)}" for name in path) + "[*]"
    rows = sa.func.jsonb_path_query(_document(shape), sa.cast(text, JSONPATH), type_=JSONB).alias()
    condition = where(inside, Shape(document=rows.column))
    found = sa.exists(
        sa.select(sa.literal(1)).select_from(rows).where(condition).correlate_except(rows)
    )
    # What follows from it, in a form that an index can answer.
    return sa.and_(*(_stored(hint, shape) for hint in _hints(path, inside)), found)


def _hints(path: Path, inside: Condition) -> Iterator[Comparison]:
    if isinstance(inside, AllOf):
        for part in inside.conditions:
            yield from _hints(path, part)
    elif isinstance(inside, Comparison) and inside.operator is Operator.EQ:
        yield Comparison(path + inside.path, inside.operator, inside.operands)


def _exists(elements: Elements, condition: _Sql) -> _Sql:
    rows = sa.select(sa.literal(1)).select_from(elements.rows)
    return sa.exists(rows.where(elements.belongs, condition).correlate_except(elements.rows))


def _document(shape: Shape) -> sa.ColumnElement[Any]:
    # Nothing but what a column or an element has: an empty document answers for the rest.
    return sa.cast("{}", JSONB) if shape.document is None else shape.document


def _of_column(column: sa.ColumnElement[Any], operator: Operator, value: Operand) -> _Sql:
    if isinstance(value, datetime):
        return _of_moment(column, operator, value)
    if isinstance(column.type, sa.String) != isinstance(value, str):
        return sa.false()  # values of two types are never compared
    if isinstance(column.type, sa.Boolean) != isinstance(value, bool):
        return sa.false()
    match operator:
        case Operator.GT:
            return _plain(column) > value
        case Operator.GTE:
            return _plain(column) >= value
        case Operator.LT:
            return _plain(column) < value
        case Operator.LTE:
            return _plain(column) <= value
        case Operator.REGEX:
            return column.regexp_match(value)
        case _:
            return column == value


def _plain(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """By code points, as JSON texts are compared, whatever the database's collation."""
    return sa.collate(column, "C") if isinstance(column.type, sa.String) else column


def _of_moment(column: sa.ColumnElement[Any], operator: Operator, value: datetime) -> _Sql:
    """The database keeps microseconds, documents show milliseconds."""
    after = value + _MILLISECOND
    match operator:
        case Operator.GT:
            return column >= after
        case Operator.GTE:
            return column >= value
        case Operator.LT:
            return column < value
        case Operator.LTE:
            return column < after
        case _:
            return sa.and_(column >= value, column < after)


def _jsonpath(asked: Comparison) -> sa.ColumnElement[Any]:
    place = "$" + "".join(f".{_quoted(name)}" for name in asked.path)
    tests = " || ".join(_test(asked.operator, value) for value in asked.operands)
    return sa.cast(f"{place} ? ({tests})", JSONPATH)


def _test(operator: Operator, value: Operand) -> str:
    if operator is Operator.REGEX:
        return f"@ like_regex {_quoted(str(value))}"
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    literal = _quoted(value) if isinstance(value, str) else json.dumps(value)
    return f"@ {_SIGNS[operator]} {literal}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
