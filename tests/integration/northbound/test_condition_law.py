"""Whatever is asked, PostgreSQL finds what reading every document one by one finds."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import JSONB

from inventory.condition_sql import Elements, Kept, Shape, where
from inventory.conditions import AllOf, AnyOf, Comparison, Condition, Each, Operator
from rom.model.dates import date_text

MOMENTS = [datetime(2026, 1, day, 12, 0, 0, 500_000, tzinfo=UTC) for day in (1, 2, 3)]
WORDS = ["a", "A", "b", "5", "", 'q"uote', "back\\slash", "$.x", "Ä", "💥", "a b", "true"]
SCALARS = st.one_of(
    st.sampled_from(WORDS), st.integers(-3, 7), st.sampled_from([1.5, 2.0]), st.booleans()
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "name": SCALARS,
        "at": st.sampled_from(MOMENTS).map(date_text),
        "place": st.fixed_dictionaries({}, optional={"id": SCALARS}),
        "part": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "id": SCALARS,
                    "kind": SCALARS,
                    "note": st.lists(
                        st.fixed_dictionaries({}, optional={"text": SCALARS}), max_size=2
                    ),
                },
            ),
            max_size=3,
        ),
    },
)
INSIDE = st.sampled_from([("id",), ("kind",), ("note", "text")])
PATHS = st.one_of(st.sampled_from([("name",), ("place", "id")]), INSIDE.map(lambda p: ("part", *p)))


def comparisons(paths: st.SearchStrategy[tuple[str, ...]]) -> st.SearchStrategy[Comparison]:
    plain = st.builds(
        Comparison,
        paths,
        st.sampled_from([operator for operator in Operator if operator is not Operator.REGEX]),
        st.lists(SCALARS, min_size=1, max_size=3).map(tuple),
    )
    pattern = st.builds(
        Comparison,
        paths,
        st.just(Operator.REGEX),
        st.sampled_from([("^a",), ("[Ab]$",), (r"\\",), ("a|5",), ("^$",), ('"',)]),
    )
    return st.one_of(plain, pattern)


MOMENT = st.builds(
    Comparison,
    st.just(("at",)),
    st.sampled_from([operator for operator in Operator if operator is not Operator.REGEX]),
    st.sampled_from(MOMENTS).map(lambda moment: (moment,)),
)
EACH = st.builds(
    Each,
    st.just(("part",)),
    st.lists(comparisons(INSIDE), min_size=1, max_size=3).map(lambda found: AllOf(tuple(found))),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(comparisons(PATHS), MOMENT, EACH),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: AllOf(tuple(found))),
        st.lists(inner, max_size=3).map(lambda found: AnyOf(tuple(found))),
    ),
    max_leaves=5,
)


def values(node: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(node, list):
        for element in node:
            yield from values(element, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from values(node[path[0]], path[1:])


def kind(value: Any) -> str:
    return "flag" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def stands(value: Any, operator: Operator, operand: Any) -> bool:
    if isinstance(operand, datetime):
        operand = date_text(operand)
    if operator is Operator.REGEX:
        return isinstance(value, str) and re.search(operand, value) is not None
    if kind(value) != kind(operand):
        return False
    return {
        Operator.EQ: value == operand,
        Operator.GT: value > operand,
        Operator.GTE: value >= operand,
        Operator.LT: value < operand,
        Operator.LTE: value <= operand,
    }[operator]


def holds(condition: Condition, document: Any) -> bool:
    match condition:
        case AllOf(conditions):
            return all(holds(part, document) for part in conditions)
        case AnyOf(conditions):
            return any(holds(part, document) for part in conditions)
        case Each(path, inside):
            found = [e for value in values_at(document, path) for e in value]
            return any(holds(inside, element) for element in found)
        case Comparison(path, Operator.NE, operands):
            return not holds(Comparison(path, Operator.EQ, operands), document)
        case Comparison(path, operator, operands):
            return any(
                stands(value, operator, operand)
                for value in values(document, path)
                for operand in operands
            )


def values_at(document: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if path[0] in document:
        yield document[path[0]]


@pytest.fixture(scope="module")
def connection(postgres_server: Any) -> Iterator[sa.Connection]:
    engine = sa.create_engine(postgres_server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as found:
        yield found
    engine.dispose()


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=6), condition=CONDITIONS)
def test_the_database_finds_what_reading_finds(
    connection: sa.Connection, documents: list[Any], condition: Condition
) -> None:
    numbered = [{"n": n, "value": document} for n, document in enumerate(documents, start=1)]
    rows = sa.func.jsonb_array_elements(sa.cast(numbered, JSONB), type_=JSONB).alias()
    number = sa.cast(rows.column.op("->>")("n"), sa.Integer)
    value = rows.column.op("->", return_type=JSONB())("value")
    parts = sa.func.jsonb_path_query(
        value, sa.literal_column("'$.part[*]'::jsonpath"), type_=JSONB
    ).alias()
    columns: dict[tuple[str, ...], sa.ColumnElement[Any]] = {
        ("at",): sa.cast(value.op("->>")("at"), sa.DateTime(timezone=True))
    }
    in_rows = {("part",): Elements(parts, sa.true(), Shape(document=parts.column), Kept.IN_ROWS)}
    expected = [n for n, document in enumerate(documents, start=1) if holds(condition, document)]
    for shape in (
        Shape(document=value),
        Shape(columns, in_rows, value),
    ):
        query = sa.select(number).where(where(condition, shape)).order_by(number)
        assert list(connection.scalars(query)) == expected, (documents, condition, shape.columns)
