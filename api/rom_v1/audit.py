"""The trail: who has done, asked for, approved or forced what, and whether it is whole."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from api.dependencies import Limit, Offset, SettingsPart, TrailPart
from api.errors import ERRORS
from api.query import DEFAULT_LIMIT, PAGE_HEADERS, Asked, page_head
from api.strict_route import StrictRoute
from inventory.conditions import Listing
from rom.answers.trail import TrailEntry, TrailVerification
from rom.gateway.trail import Asked as AskedTrail
from rom.model.deed import DeedKind, Head
from rom.model.errors import Invalid, UnknownDeed

PATH = "/rom/v1/audit"
_DIGITS = 18
routes = APIRouter(prefix=PATH, tags=["ROM"], route_class=StrictRoute, responses=ERRORS)
Name = Annotated[str | None, Query(min_length=1, max_length=200)]


@routes.get(
    "",
    operation_id="listDeeds",
    responses={
        200: {"headers": PAGE_HEADERS},
        206: {
            "model": tuple[TrailEntry, ...],
            "description": "A part of what there is",
            "headers": PAGE_HEADERS,
        },
    },
)
def list_deeds(
    trail: TrailPart,
    settings: SettingsPart,
    response: Response,
    offset: Offset = 0,
    limit: Limit = DEFAULT_LIMIT,
    site: Name = None,
    device: Name = None,
    order: Name = None,
    actor: Name = None,
    deed: DeedKind | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> tuple[TrailEntry, ...]:
    """List deeds, the newest first; every filter narrows the list down."""
    asked = AskedTrail(site, device, order, actor, deed, since, until)
    entries, total = trail.page(asked, offset=offset, limit=limit)
    given = {
        "site": site, "device": device, "order": order, "actor": actor, "deed": deed,
        "since": _text(since), "until": _text(until),
    }  # fmt: skip
    rest = urlencode([(name, value) for name, value in given.items() if value is not None])
    listing = Asked(Listing(offset=offset, limit=limit), None, PATH, rest)
    response.status_code, headers = page_head(len(entries), total, listing, settings.base_url)
    response.headers.update(headers)
    return entries


@routes.get("/verification", operation_id="verifyTrail")
def verify(
    trail: TrailPart, head: Annotated[str | None, Query(max_length=90)] = None
) -> TrailVerification:
    """Say whether any entry was changed, removed or moved; with ``head`` also the last ones."""
    return trail.verify(None if head is None else _head(head))


@routes.get(
    "/export",
    operation_id="exportTrail",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {}}, "description": "JSON lines"}},
)
def export(trail: TrailPart) -> StreamingResponse:
    """Return every entry as one JSON object a line, the oldest first."""
    entries = iter(trail.export())
    first = list(islice(entries, 1))  # what keeps it from being read is told before it begins

    def lines() -> Iterator[str]:
        for entry in chain(first, entries):
            yield json.dumps(entry.on_the_wire()) + "\n"  # ASCII: no other line separators

    return StreamingResponse(lines(), media_type="application/jsonl")


@routes.get("/{place}", operation_id="retrieveDeed")
def show(place: str, trail: TrailPart) -> TrailEntry:
    """Return the entry of one place."""
    if not (place.isascii() and place.isdigit() and len(place) <= _DIGITS):
        raise UnknownDeed(place)
    return trail.find(int(place))


def _head(text: str) -> Head:
    try:
        return Head.read(text)
    except ValueError as error:
        raise Invalid(str(error), field="head", mend="Give what a verification has told") from error


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
