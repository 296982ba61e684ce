"""Events that could not be delivered: listed, read and sent again."""

from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.body import read_json
from api.errors import ApiError, not_found
from api.events_port import events_of
from api.ports import ApiSettings, OrderGateway
from api.query import Asked, page, page_response, parameters
from api.site_rollback import parsed
from inventory.conditions import Listing

PATH = "/rom/v1/deadLetters"
_DIGITS = 18


class ReplayRequest(BaseModel):
    """Which dead letters to send again: one, a listener's, an order's, or ``all``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str | None = Field(default=None, pattern=rf"^[0-9]{{1,{_DIGITS}}}$")
    listener: str | None = Field(default=None, min_length=1, max_length=64)
    order: str | None = Field(default=None, min_length=1, max_length=64)
    all: bool = False

    @model_validator(mode="after")
    def _something(self) -> "ReplayRequest":
        if not self.all and (self.id, self.listener, self.order) == (None, None, None):
            raise ValueError("name an id, a listener or an order, or say all")
        return self


def router(gateway: OrderGateway, settings: ApiSettings) -> APIRouter:
    """Return the operations."""
    engine = events_of(gateway)
    routes = APIRouter(tags=["Events"])

    @routes.get(PATH)
    async def list_dead_letters(request: Request) -> JSONResponse:
        """List dead letters in the order of their events."""
        found = parameters(request, {"offset", "limit", "listener", "order"})
        asked = page(found)
        letters, total = await run_in_threadpool(
            lambda: engine.events.dead_letters.page(
                offset=asked.offset,
                limit=asked.limit,
                listener=found.get("listener"),
                order=found.get("order"),
            )
        )
        listing = Listing(offset=asked.offset, limit=asked.limit)
        rest = urlencode([(name, found[name]) for name in ("listener", "order") if name in found])
        return page_response(letters, total, Asked(listing, None, PATH, rest), settings.base_url)

    @routes.get(f"{PATH}/{{letter_id}}")
    async def read_dead_letter(request: Request, letter_id: str) -> JSONResponse:
        """Return one dead letter with its notification."""
        parameters(request, ())
        usable = letter_id.isascii() and letter_id.isdigit() and len(letter_id) <= _DIGITS
        letter = (
            await run_in_threadpool(engine.events.dead_letters.find, int(letter_id))
            if usable
            else None
        )
        if letter is None:
            raise not_found("deadLetter", letter_id)
        return JSONResponse(letter)

    @routes.post(f"{PATH}/replay")
    async def replay(request: Request) -> JSONResponse:
        """Send dead letters again, in order; answers 200 with their number, 404 when none is."""
        parameters(request, ())
        asked = parsed(ReplayRequest, await read_json(request, settings.max_body_bytes))
        count = await run_in_threadpool(
            lambda: engine.events.dead_letters.replay(
                number=None if asked.id is None else int(asked.id),
                listener=asked.listener,
                order=asked.order,
            )
        )
        if count == 0:
            raise ApiError(
                HTTPStatus.NOT_FOUND,
                "notFound",
                "body: no dead letter matches",
                f"List them with GET {PATH}",
            )
        return JSONResponse({"replayed": count})

    return routes
