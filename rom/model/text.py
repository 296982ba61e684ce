"""Which characters never reach a device, a log line or a table."""

import unicodedata

# Cc: control, Cf: invisible formatting such as direction overrides, Cs: lone surrogates,
# Zl and Zp: line and paragraph separators, which some parsers take for a new line.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def control_character(text: str) -> str | None:
    """Return the first character of ``text`` that no device may be sent, as ``U+000A``."""
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        if unicodedata.category(character) in _REFUSED:
            return f"U+{ord(character):04X}"
    return None
