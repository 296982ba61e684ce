"""Query parameters and pages as TMF630 means them."""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse

from api.errors import ApiError
from api.ports import Document

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_OFFSET = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a collection is asked for."""

    offset: int
    limit: int


def parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    """Return the query parameters by name.

    Raises ``ApiError`` (400) for one that is not in ``known``, is empty or appears twice: a filter
    that is not understood must never be taken as no filter at all.
    """
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            choices = ", ".join(sorted(known)) or "none"
            raise invalid_parameter(name, "is not known here", f"Known here: {choices}")
        if name in found:
            raise invalid_parameter(name, "appears twice", "Give it once")
        if not value.strip() or "\0" in value:
            raise invalid_parameter(name, "has no usable value", "Give a value or leave it out")
        found[name] = value.strip()
    return found


def invalid_parameter(name: str, reason: str, fix: str) -> ApiError:
    """Say what is wrong with the query parameter ``name``."""
    return ApiError(
        HTTPStatus.BAD_REQUEST, "invalidQuery", f"{name}: query parameter {reason}", fix
    )


def whole_number(
    found: dict[str, str], name: str, default: int, *, lowest: int, highest: int
) -> int:
    """Return a parameter as a whole number between the bounds; raises ``ApiError`` (400)."""
    text = found.get(name, str(default))
    digits = len(str(highest))
    if not (text.isascii() and text.isdigit() and len(text) <= digits):
        raise invalid_parameter(name, "is no whole number", f"Give {lowest} to {highest}")
    value = int(text)
    if not lowest <= value <= highest:
        raise invalid_parameter(name, "is out of range", f"Give {lowest} to {highest}")
    return value


def page(found: dict[str, str]) -> Page:
    """Return the page that ``offset`` and ``limit`` ask for."""
    return Page(
        whole_number(found, "offset", 0, lowest=0, highest=MAX_OFFSET),
        whole_number(found, "limit", DEFAULT_LIMIT, lowest=1, highest=MAX_LIMIT),
    )


def select_fields(document: Document, fields: str | None) -> Document:
    """Keep the first-level attributes named in ``fields``; ``id`` and ``href`` always stay.

    ``none`` keeps only those two. A dotted name keeps its first level whole.
    """
    if fields is None:
        return document
    wanted = {name.strip().partition(".")[0] for name in fields.split(",")} | {"id", "href"}
    return {name: value for name, value in document.items() if name in wanted}


def page_response(
    documents: list[Document], total: int, asked: Page, fields: str | None
) -> JSONResponse:
    """Return one page: 200 when it is all there is (or past the end), else 206."""
    partial = documents and (asked.offset > 0 or len(documents) < total)
    return JSONResponse(
        [select_fields(document, fields) for document in documents],
        HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK,
        {"X-Total-Count": str(total), "X-Result-Count": str(len(documents))},
    )
