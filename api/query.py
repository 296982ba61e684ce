"""Query parameters, pages and attribute selection as TMF630 means them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote_plus

from fastapi import Request
from fastapi.responses import JSONResponse

from api.filters import invalid_parameter, known_attribute, parse_filters
from api.ports import Document
from inventory.conditions import Listing, Path, Sort

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_OFFSET = 2**31 - 1
PAGE_HEADERS: dict[str, Any] = {
    **{
        name: {"schema": {"type": "integer"}, "required": True}
        for name in ("X-Total-Count", "X-Result-Count")
    },
    "Link": {"schema": {"type": "string"}},
}
"""The headers of a page, for its description."""
_PAGING = frozenset({"offset", "limit"})
_RESERVED = _PAGING | {"fields", "sort"}


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a collection is asked for."""

    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request for a list asks; ``rest`` is its query without offset and limit."""

    listing: Listing
    fields: str | None
    path: str
    rest: str


def parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    """Return the query parameters by name.

    Raises ``ApiError`` (400) for one that is not in ``known``, is empty or appears twice: a filter
    that is not understood must never be taken as no filter at all.
    """
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            choices = ", ".join(sorted(known)) or "none"
            raise invalid_parameter(
                name[:100] or "query", "is not known here", f"Known here: {choices}"
            )
        _put_once(found, name, value)
    return found


def asked_for(request: Request, entity: str, unsearchable: Iterable[Path] = ()) -> Asked:
    """Return what a request for a list of ``entity`` asks for.

    Raises ``ApiError`` (400) naming the parameter: nothing that is not understood is left out.
    """
    query = request.scope.get("query_string", b"").decode("latin-1")
    own: dict[str, str] = {}
    filters, rest = [], []
    for segment in filter(None, query.split("&")):
        raw_name, _, raw_value = segment.partition("=")
        name = unquote_plus(raw_name)
        if name not in _PAGING:
            rest.append(segment)
        if name in _RESERVED:
            _put_once(own, name, unquote_plus(raw_value), strip=name != "sort")
        else:
            filters.append(segment)
    refused = tuple(unsearchable)
    wanted = page(own)
    listing = Listing(
        parse_filters(entity, filters, refused),
        _sort(entity, own.get("sort"), frozenset(refused)),
        wanted.offset,
        wanted.limit,
    )
    return Asked(listing, own.get("fields"), request.url.path, "&".join(rest))


def _put_once(found: dict[str, str], name: str, value: str, *, strip: bool = True) -> None:
    if name in found:
        raise invalid_parameter(name, "appears twice", "Give it once")
    if not value.strip() or "\0" in value:
        raise invalid_parameter(name, "has no usable value", "Give a value or leave it out")
    found[name] = value.strip() if strip else value


def _sort(entity: str, text: str | None, refused: frozenset[Path]) -> tuple[Sort, ...]:
    """Read ``-orderDate,+name``; the plus arrives as a space when it is not encoded."""
    keys: list[Sort] = []
    for entry in (text or "").split(",") if text else ():
        name = entry.strip().lstrip("+-").strip()
        path = tuple(name.split("."))
        passed = known_attribute(entity, path) if name else ()
        if not passed or path in refused or passed[-1].is_entity or any(a.many for a in passed):
            raise invalid_parameter("sort", f"cannot sort by {name!r}", "Name simple attributes")
        keys.append(Sort(path, descending=entry.strip().startswith("-")))
    if len(keys) > 5:
        raise invalid_parameter("sort", "has too many keys", "Give at most 5")
    return tuple(keys)


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
    """Keep the attributes named in ``fields``; ``id`` and ``href`` always stay.

    ``none`` keeps only those two. A dotted name keeps that part of what it leads to; the ``id`` of
    everything on the way stays, so that elements can be told apart.
    """
    if fields is None:
        return document
    wanted: dict[str, Any] = {"id": None, "href": None}
    for name in fields.split(","):
        _add(wanted, name.strip().split("."))
    wanted.pop("none", None)
    return {name: _cut(value, wanted[name]) for name, value in document.items() if name in wanted}


def _add(wanted: dict[str, Any], steps: list[str]) -> None:
    first, rest = steps[0], steps[1:]
    if first in wanted and wanted[first] is None:
        return  # all of it is wanted already
    if not rest:
        wanted[first] = None
        return
    _add(wanted.setdefault(first, {"id": None}), rest)


def _cut(value: Any, wanted: dict[str, Any] | None) -> Any:
    if wanted is None:
        return value
    if isinstance(value, list):
        return [_cut(element, wanted) for element in value]
    if isinstance(value, dict):
        return {name: _cut(inner, wanted[name]) for name, inner in value.items() if name in wanted}
    return value


def page_response(
    documents: list[Document], total: int, asked: Asked, base_url: str
) -> JSONResponse:
    """Return one page of documents, as ``page_head`` says."""
    status, headers = page_head(len(documents), total, asked, base_url)
    return JSONResponse(
        [select_fields(document, asked.fields) for document in documents], status, headers
    )


def page_head(
    count: int, total: int, asked: Asked, base_url: str
) -> tuple[HTTPStatus, dict[str, str]]:
    """Return a page's status and headers.

    200 when it is all there is (or past the end), else 206 with ``Link``.
    """
    listing = asked.listing
    partial = count > 0 and (listing.offset > 0 or count < total)
    headers = {"X-Total-Count": str(total), "X-Result-Count": str(count)}
    if listing.offset > 0 or count < total:
        headers["Link"] = _links(asked, total, base_url)
    return HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK, headers


def _links(asked: Asked, total: int, base_url: str) -> str:
    """Return the value of ``Link`` (RFC 8288): where the other pages are."""
    offset, limit = asked.listing.offset, asked.listing.limit
    last = max(total - 1, 0) // limit * limit
    places = {"first": 0}
    if offset > 0:
        places["prev"] = max(min(offset, last + limit) - limit, 0)
    if offset + limit < total:
        places["next"] = offset + limit
    places["last"] = last
    rest = quote(asked.rest, safe="%=&;,.:@!*+~$'()/?-_") + "&" if asked.rest else ""
    return ", ".join(
        f'<{base_url}{asked.path}?{rest}offset={place}&limit={limit}>; rel="{name}"'
        for name, place in places.items()
    )
