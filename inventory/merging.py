"""Merging what a file gives over what there is."""

from collections.abc import Mapping
from typing import Any


def merged(present: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``present`` with the members of ``given`` (RFC 7396): what is null goes."""
    result = dict(present)
    for name, value in given.items():
        known = result.get(name)
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            result[name] = merged(known if isinstance(known, Mapping) else {}, value)
        else:
            result[name] = value
    return result
