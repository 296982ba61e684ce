"""Kea's strings are octets, whatever the text: seen on 2.2.0.

What it reads is not decoded, so a letter in UTF-8 is two octets and ``\\u00fc`` is one; what it
shows has every octet above 0x7E as ``\\u00XX``. Here an octet is one character.
"""

import json
import re
from typing import Any

_OTHER = re.compile("[^\x00-\xff]")


def loads(document: bytes) -> Any:
    """Return what a document says; raises ``ValueError`` for what Kea cannot read."""
    return json.loads(document.decode("latin-1"), object_pairs_hook=_object)


def dumps(value: Any, indent: int | None = None) -> str:
    """Return a document as Kea shows it."""
    return json.dumps(value, indent=indent)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, value in pairs:
        for text in (name, value, *(value if isinstance(value, list) else ())):
            if isinstance(text, str) and _OTHER.search(text):
                raise ValueError("unsupported unicode escape")
    return dict(pairs)
