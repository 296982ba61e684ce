"""Reads a request's JSON body: bounded, strict (RFC 8259 with I-JSON's limits, RFC 7493)."""

import asyncio
import json
import math
from collections.abc import Collection
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import Request
from starlette.requests import ClientDisconnect

from api.errors import ApiError
from rom.gateway.orders import PatchKind

MAX_DEPTH = 32
"""Deepest nesting taken; the deepest TMF652 document in use has about ten levels."""

MAX_SECONDS = 30
"""Longest a body may take to arrive."""


PATCH_TYPES = {
    "application/json": PatchKind.MERGE,
    "application/merge-patch+json": PatchKind.MERGE,
    "application/json-patch+json": PatchKind.JSON,
}
"""Media types of a patch; TMF630 takes plain JSON for a merge patch."""


async def read_patch(request: Request, limit: int) -> tuple[PatchKind, object]:
    """Return what kind of patch the body is, and the patch; raises as ``read_json`` does."""
    media_type = _check_media_type(request, PATCH_TYPES)
    return PATCH_TYPES[media_type], parse_json(await _read(request, limit))


async def read_json(request: Request, limit: int) -> object:
    """Return the parsed body.

    Raises ``ApiError``: 415 for anything but UTF-8 JSON, 413 above ``limit`` bytes (also when no
    length was announced), 408 when it does not arrive within ``MAX_SECONDS``, 400 for malformed
    JSON, NaN and infinities, duplicate member names, NUL and lone surrogates, and nesting deeper
    than ``MAX_DEPTH``.
    """
    return parse_json(await read_raw(request, limit))


async def read_raw(request: Request, limit: int) -> bytes:
    """Return the bytes of a JSON body; raises as ``read_json`` does before it parses."""
    _check_media_type(request, ("application/json",))
    return await _read(request, limit)


async def _read(request: Request, limit: int) -> bytes:
    try:
        async with asyncio.timeout(MAX_SECONDS):
            return await _read_bounded(request, limit)
    except TimeoutError as error:
        reason = f"body: not complete within {MAX_SECONDS} seconds"
        raise ApiError(
            HTTPStatus.REQUEST_TIMEOUT, "bodyTooSlow", reason, headers={"Connection": "close"}
        ) from error
    except ClientDisconnect as error:  # nobody reads the answer; the log says what happened
        reason = "body: the client left before it was complete"
        raise ApiError(HTTPStatus.BAD_REQUEST, "bodyIncomplete", reason) from error


def _check_media_type(request: Request, taken: Collection[str]) -> str:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    options = [option.strip().lower() for option in parameters.split(";") if option.strip()]
    if media_type.strip().lower() not in taken:
        _refuse_media_type("Content-Type", media_type.strip() or "none", taken)
    for option in options:
        name, _, value = option.partition("=")
        if name == "charset" and value.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            _refuse_media_type("Content-Type", option, taken)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        _refuse_media_type("Content-Encoding", encoding, taken)
    return media_type.strip().lower()


def _refuse_media_type(header: str, value: str, taken: Collection[str]) -> NoReturn:
    raise ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupportedMediaType",
        f"{header}: {value} is not taken",
        f"Send 'Content-Type: {' or '.join(sorted(taken))}' in UTF-8, not compressed",
    )


async def _read_bounded(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > limit:
            raise _too_large(limit)
    return bytes(received)


def _too_large(limit: int) -> ApiError:
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "bodyTooLarge",
        f"body: larger than {limit} bytes",
        "Split the order; every site may have an order of its own",
        {"Connection": "close"},
    )


def parse_json(raw: bytes) -> object:
    """Return the value of one JSON text; raises ``ApiError`` (400) as ``read_json`` says."""
    try:
        value: object = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique_members,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _malformed(f"line {error.lineno} column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:  # an integer of thousands of digits
        raise _malformed("a number is too long") from error
    _check_tree(value)
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _malformed(f"member {json.dumps(twice)} appears twice in one object")
    return members


def _refuse_constant(word: str) -> NoReturn:
    raise _malformed(f"{word} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _malformed(f"number {text[:20]} is out of range")
    return value


def _check_tree(value: object) -> None:
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(node, str):
            _check_text(node)
        elif isinstance(node, list):
            waiting.extend((member, depth + 1) for member in node)
        elif isinstance(node, dict):
            waiting.extend((name, depth) for name in node)
            waiting.extend((member, depth + 1) for member in node.values())


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _malformed("a string holds the character U+0000")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _malformed("a string holds half of a surrogate pair")


def _malformed(detail: str) -> ApiError:
    return ApiError(
        HTTPStatus.BAD_REQUEST, "malformedJson", f"body: {detail}", "Send one well-formed JSON text"
    )


def _too_deep() -> ApiError:
    return _malformed(f"nested deeper than {MAX_DEPTH} levels")
