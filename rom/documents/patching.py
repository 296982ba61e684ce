"""Patches of documents: JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902), both bounded."""

import json
from collections.abc import Mapping
from copy import deepcopy
from enum import StrEnum
from typing import Any

import jsonpatch

from rom.model.errors import PatchRefused, PatchTestFailed

_MOST_OPERATIONS = 500
_MOST_CHARACTERS = 4_000_000  # of the document as JSON text; each copy could double it


class PatchKind(StrEnum):
    """How a patch is written."""

    MERGE = "merge"
    JSON = "json"


def patched(document: Mapping[str, Any], kind: PatchKind, patch: object) -> dict[str, Any]:
    """Return the document as the patch makes it; ``document`` stays as it is.

    Merge replaces whole arrays, and null removes (RFC 7396). Raises ``PatchRefused``, which names
    the operation and its pointer.
    """
    if kind is PatchKind.MERGE:
        if not isinstance(patch, dict):
            raise PatchRefused("a merge patch is a JSON object")
        return _merged(deepcopy(dict(document)), patch)
    if not isinstance(patch, list) or len(patch) > _MOST_OPERATIONS:
        raise PatchRefused(f"a JSON patch is an array of at most {_MOST_OPERATIONS} operations")
    result: Any = deepcopy(dict(document))
    for index, operation in enumerate(patch):
        result = _operated(result, index, operation)
    if not isinstance(result, dict):
        raise PatchRefused("what is left is no JSON object")
    return result


def _operated(document: Any, index: int, operation: object) -> Any:
    if not isinstance(operation, dict):
        message = f"operation {index} is no JSON object"
        raise PatchRefused(message)
    where = f"operation {index} at {str(operation.get('path'))[:200]}"
    try:
        result = jsonpatch.JsonPatch([operation]).apply(document)
    except jsonpatch.JsonPatchTestFailed as error:
        message = f"{where}: the value there is another one"
        raise PatchTestFailed(message) from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        message = f"{where}: {str(error)[:300]}"
        raise PatchRefused(message) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        # What the library raises for operations of no known shape and pointers into scalars.
        message = f"{where} does not fit the document"
        raise PatchRefused(message) from error
    if operation.get("op") == "copy" and len(json.dumps(result)) > _MOST_CHARACTERS:
        message = f"{where} makes the document too large"
        raise PatchRefused(message)
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
