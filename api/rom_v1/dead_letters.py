"""Events that could not be delivered: listed, read and sent again."""

from urllib.parse import urlencode

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.dependencies import By, EventsPart, Limit, Offset, SettingsPart
from api.errors import ERRORS
from api.query import DEFAULT_LIMIT, PAGE_HEADERS, Asked, page_head
from api.strict_route import StrictRoute
from inventory.conditions import Listing
from rom.answers.events import DeadLetterLine, Replayed, WholeDeadLetter
from rom.model.errors import NotFound, UnknownDeadLetter

PATH = "/rom/v1/deadLetters"
_DIGITS = 18
routes = APIRouter(prefix=PATH, tags=["Events"], route_class=StrictRoute, responses=ERRORS)


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


@routes.get(
    "",
    operation_id="listDeadLetters",
    responses={
        200: {"headers": PAGE_HEADERS},
        206: {
            "model": tuple[DeadLetterLine, ...],
            "description": "A part of what there is",
            "headers": PAGE_HEADERS,
        },
    },
)
def list_dead_letters(
    events: EventsPart,
    settings: SettingsPart,
    response: Response,
    offset: Offset = 0,
    limit: Limit = DEFAULT_LIMIT,
    listener: str | None = None,
    order: str | None = None,
) -> tuple[DeadLetterLine, ...]:
    """List dead letters in the order of their events."""
    letters, total = events.dead_letters(offset=offset, limit=limit, listener=listener, order=order)
    narrowed = {"listener": listener, "order": order}
    rest = urlencode([(name, value) for name, value in narrowed.items() if value is not None])
    asked = Asked(Listing(offset=offset, limit=limit), None, PATH, rest)
    response.status_code, headers = page_head(len(letters), total, asked, settings.base_url)
    response.headers.update(headers)
    return letters


@routes.get("/{letter_id}", operation_id="retrieveDeadLetter")
def read_dead_letter(letter_id: str, events: EventsPart) -> WholeDeadLetter:
    """Return one dead letter with its notification."""
    if not (letter_id.isascii() and letter_id.isdigit() and len(letter_id) <= _DIGITS):
        raise UnknownDeadLetter(letter_id)
    return events.dead_letter(int(letter_id))


@routes.post("/replay", operation_id="replayDeadLetters")
def replay(asked: ReplayRequest, events: EventsPart, by: By) -> Replayed:
    """Send dead letters again, in order; answers 200 with their number, 404 when none is."""
    count = events.replay(
        by=by,
        number=None if asked.id is None else int(asked.id),
        listener=asked.listener,
        order=asked.order,
    )
    if count == 0:
        raise NotFound("no dead letter matches", field="body", mend=f"List them with GET {PATH}")
    return Replayed(replayed=count)
