"""XPath 1.0 over a device's configuration, as behaviour in schema files is written.

Names have no prefixes and the root is ``/data``. Besides the functions of XPath there are
``choose(test, this, that)``, ``upper(text)`` and what a caller adds.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from lxml import etree

Function = Callable[..., Any]


def _choose(_context: object, test: object, this: object, that: object) -> object:
    return this if test else that


def _upper(_context: object, text: object) -> str:
    return as_text(text).upper()


_FUNCTIONS: Mapping[str, Function] = {"choose": _choose, "upper": _upper}


class Expression:
    """One compiled expression. Raises ``ValueError`` for text that is no XPath."""

    def __init__(self, text: str, functions: Mapping[str, Function] | None = None) -> None:
        named = {(None, name): made for name, made in {**_FUNCTIONS, **(functions or {})}.items()}
        try:
            self._compiled = etree.XPath(text, extensions=named)
        except etree.XPathSyntaxError as error:
            raise ValueError(f"{text}: {error}") from error

    def nodes(self, context: etree._Element, **variables: Any) -> list[etree._Element]:
        """Return the elements it selects."""
        found = self._value(context, variables)
        return [part for part in found if isinstance(part, etree._Element)]

    def text(self, context: etree._Element, **variables: Any) -> str:
        """Return its value as text: that of the first node where it selects nodes."""
        return as_text(self._value(context, variables))

    def holds(self, context: etree._Element, **variables: Any) -> bool:
        """Return whether it is true, or selects anything."""
        return bool(self._value(context, variables))

    def _value(self, context: etree._Element, variables: Mapping[str, Any]) -> Any:
        return self._compiled(context, **variables)


@lru_cache(maxsize=512)
def expression(text: str) -> Expression:
    """Return an expression that needs no functions of the caller's."""
    return Expression(text)


def as_text(value: object) -> str:
    """Return a value as text: XPath hands nodes over as lists."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, etree._Element):
        return (value.text or "").strip()
    return str(value)
