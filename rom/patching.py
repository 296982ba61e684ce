"""Patches of documents: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902)."""

from collections.abc import Mapping
from copy import deepcopy
from enum import StrEnum
from typing import Any

import jsonpatch

_MOST_OPERATIONS = 500


class PatchKind(StrEnum):
    """How a patch is written."""

    MERGE = "merge"
    JSON = "json"


class PatchRefused(ValueError):
    """A patch that is malformed, does not fit, or whose test failed; the text says why."""


def patched(document: Mapping[str, Any], kind: PatchKind, patch: object) -> dict[str, Any]:
    """Return the document as the patch makes it; ``document`` stays as it is.

    Merge replaces whole arrays, and null removes (RFC 7396). Raises ``PatchRefused``.
    """
    if kind is PatchKind.MERGE:
        if not isinstance(patch, dict):
            raise PatchRefused("a merge patch is a JSON object")
        return _merged(deepcopy(dict(document)), patch)
    if not isinstance(patch, list) or len(patch) > _MOST_OPERATIONS:
        raise PatchRefused(f"a JSON patch is an array of at most {_MOST_OPERATIONS} operations")
    try:
        result = jsonpatch.apply_patch(deepcopy(dict(document)), patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise PatchRefused(str(error)[:300]) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # What the library raises for operations that are no objects and pointers into scalars.
        raise PatchRefused("an operation does not fit the document") from error
    if not isinstance(result, dict):
        raise PatchRefused("what is left is no JSON object")
    return result


def _merged(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            present = target.get(name)
            target[name] = _merged(present if isinstance(present, dict) else {}, value)
        else:
            target[name] = deepcopy(value)
    return target
