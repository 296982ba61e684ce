"""Laws of the strict JSON reader."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.body import parse_json
from api.errors import ApiError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_whatever_is_good_json_comes_through_unchanged(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200) | st.text('{}[]",:\\u0nulltrue', max_size=60).map(str.encode))
def test_whatever_comes_in_is_a_value_or_a_refusal_never_a_crash(raw: bytes) -> None:
    with contextlib.suppress(ApiError):
        json.dumps(parse_json(raw), allow_nan=False).encode()


@given(st.integers(33, 2000))
def test_nesting_is_bounded_whatever_the_brackets(depth: int) -> None:
    for opened, closed in (("[", "]"), ('{"a":', "}")):
        with pytest.raises(ApiError, match="nested deeper"):
            parse_json((opened * depth + "0" + closed * depth).encode())
