"""Catalog expressions: Jinja expressions over named values, in a sandbox, with typed filters.

Specifications come over the network as well, so what an expression can take is bounded before it is
computed: it calls nothing, multiplies numbers only, and has no filter that makes long texts.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rom.catalog.bandwidth import Bandwidth
from rom.catalog.errors import ExpressionError


def _times(value: object, factor: float) -> Bandwidth:
    return _rate(value).scaled(factor)


def _mbit_name(value: object) -> str:
    """Name a rate in Mbit/s, or in kbit/s with a K, so that different rates differ in name."""
    rate = _rate(value)
    return str(rate.mbps) if isinstance(rate.mbps, int) else f"{rate.kbps}K"


def _rate(value: object) -> Bandwidth:
    if not isinstance(value, Bandwidth):
        raise ExpressionError(f"{value!r} is no bandwidth; put the filter behind one")
    return value


class _Environment(ImmutableSandboxedEnvironment):
    """Refuses to repeat or pad texts, which a few characters could make fill the memory."""

    intercepted_binops = frozenset({"*", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        for operand in (left, right):
            if not isinstance(operand, int | float):
                raise ExpressionError(f"{operator} is for numbers only, not for {operand!r}")
        return super().call_binop(context, operator, left, right)


MAX_TEXT = 4096
"""Most characters of a text that an expression makes; others may put it together further."""
_FILTERS = frozenset(
    {
        "abs", "bandwidth", "capitalize", "default", "first", "float", "int", "join", "last",
        "length", "lower", "max", "mbit_name", "min", "round", "string", "times", "title", "trim",
        "upper",
    }
)  # fmt: skip
_REFUSED = {nodes.Call: "calls something", nodes.Pow: "raises to powers"}

# Results are configuration values, never HTML: escaping would put entities into names.
_ENVIRONMENT = _Environment(
    undefined=StrictUndefined,
    autoescape=False,
)
_ENVIRONMENT.filters.update(times=_times, mbit_name=_mbit_name, bandwidth=Bandwidth.parse)
_ENVIRONMENT.globals.clear()
for _name in _ENVIRONMENT.filters.keys() - _FILTERS:
    del _ENVIRONMENT.filters[_name]


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Callable[..., Any]:
    try:
        parsed = _ENVIRONMENT.parse("{{ " + expression + " }}")
        for kind, what in _REFUSED.items():
            if parsed.find(kind) is not None:
                raise ExpressionError(f"{expression!r} {what}; use what filters there are")
        return _ENVIRONMENT.compile_expression(expression, undefined_to_none=False)
    except (TemplateError, RecursionError) as error:
        raise ExpressionError(f"{expression!r} does not parse: {error}") from error


def names_in(expression: str) -> frozenset[str]:
    """Return the names an expression asks for; raises ``ExpressionError`` if it does not parse."""
    _compiled(expression)
    return frozenset(find_undeclared_variables(_ENVIRONMENT.parse("{{ " + expression + " }}")))


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """Return the value of a Jinja expression; raises ``ExpressionError`` if it has none.

    Values keep their type: a ``Bandwidth`` stays one. An undefined name or attribute is an error,
    never an empty text, and so is a text of more than ``MAX_TEXT`` characters.
    """
    try:
        value = _compiled(expression)(**names)
        if isinstance(value, Undefined):
            value = str(value)  # StrictUndefined raises here, with its own words
    except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise ExpressionError(f"{expression!r} has no value: {error}") from error
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise ExpressionError(f"{expression!r} makes more than {MAX_TEXT} characters")
    return value
