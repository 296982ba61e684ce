"""Patterns of the catalog: regular expressions whose time and memory are bounded.

They come over the network as well, and meet values that do. They are therefore matched by an
engine that takes time in proportion to the text (Rust's regex, as Pydantic has it) and bounds the
size of what it compiles, and so knows neither look-around nor back-references.
"""

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_PATTERN = 500
"""Most characters of a pattern."""


def check_pattern(pattern: str) -> None:
    """Raise ``ValueError`` with the reason for what is no pattern."""
    try:
        # By itself first, so that what stands around it completes nothing.
        SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
        _whole(pattern)
    except SchemaError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ValueError(f"is no regular expression: {reason}") from error


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole text matches a pattern that was checked."""
    return _whole(pattern).isinstance_python(text)


@lru_cache(maxsize=1024)
def _whole(pattern: str) -> SchemaValidator:
    whole = rf"\A(?:{pattern})\z"
    return SchemaValidator(core_schema.str_schema(pattern=whole, regex_engine="rust-regex"))
