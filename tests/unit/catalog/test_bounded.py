"""What a specification from the network can make the gateway compute has a bound."""

import time

import pytest
from pydantic import ValidationError

from rom.catalog.characteristics import typed_value
from rom.catalog.errors import CharacteristicError, ExpressionError
from rom.catalog.expressions import MAX_TEXT, evaluate, names_in
from rom.catalog.specification import Characteristic


@pytest.mark.parametrize(
    "expression",
    [
        "'a' * 1000000000",
        "[1] * 1000000000",
        "x * 1000000000",
        "'%1000000000d' % 1",
        "9 ** 9 ** 9 ** 9",
        "x.ljust(1000000000)",
        "'{:>1000000000}'.format(1)",
        "x|center(1000000000)",
        "x|replace('a', 'aaaaaaaaaaaaaaaaaaaaaa')|replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaa')",
        "range(1000000000)|list",
        "lipsum(n=1000000)",
        "x|indent(1000000000)",
        "(" * 240 + "x" + ")" * 240,
        "-" * 490 + "1",
        "x" + "|string" * 70,
    ],
)
def test_an_expression_has_its_value_or_is_refused_at_once(expression: str) -> None:
    begun = time.process_time()
    try:
        names_in(expression)
        value = evaluate(expression, {"x": "a" * MAX_TEXT})
    except ExpressionError:
        value = ""
    assert len(str(value)) <= MAX_TEXT
    assert time.process_time() - begun < 1


def test_texts_that_are_put_together_again_and_again_end_at_the_bound() -> None:
    text = "a"
    while len(text) < MAX_TEXT:
        text = evaluate("x ~ x", {"x": text})
    with pytest.raises(ExpressionError, match=f"more than {MAX_TEXT} characters"):
        evaluate("x ~ x", {"x": text})


def test_numbers_are_still_multiplied() -> None:
    assert evaluate("x * 3 % 4", {"x": 2.5}) == 3.5


def characteristic(pattern: str) -> Characteristic:
    return Characteristic.model_validate({"name": "n", "type": "string", "pattern": pattern})


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*a){20}b", r"(\w+\s?)*!"])
def test_a_pattern_that_would_backtrack_for_ever_does_not(pattern: str) -> None:
    begun = time.process_time()
    with pytest.raises(CharacteristicError, match="does not match"):
        typed_value(characteristic(pattern), "a" * 250)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "pattern", ["(", "a)|(b", "(?=a)a", r"(a)\1", "a{1000}{1000}{1000}", "a" * 501, "(?x)a #"]
)
def test_what_the_engine_cannot_bound_is_no_pattern(pattern: str) -> None:
    with pytest.raises(ValidationError):
        characteristic(pattern)


def test_the_whole_value_has_to_match() -> None:
    assert typed_value(characteristic("[A-Z]{2}|x"), "AB") == "AB"
    for wrong in ("ABC", "AB\n", "xAB"):
        with pytest.raises(CharacteristicError):
            typed_value(characteristic("[A-Z]{2}|x"), wrong)
