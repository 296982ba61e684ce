"""Hubs: where listeners register for an API's events (TMF652, TMF639 and TMF634 v4; TMF630).

Each API has one hub, whichever of its base paths is used. The same callback with the same query
again is answered 409 and names the listener that is there; a second, different one is welcome.
``secret``, an extension, has notifications signed; it is never shown again.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.access.principal import requester
from api.body import read_json
from api.errors import ApiError, not_found
from api.events_port import EventsGateway, events_of
from api.ports import ApiSettings, Document, OrderGateway
from api.query import parameters
from api.site_rollback import parsed
from rom.events.callback import CallbackRefused
from rom.events.listeners import DuplicateListener, TooManyListeners
from rom.events.query import BadQuery
from rom.model.event_types import Api

OWN_PATH = "/rom/v1/hub"
HUB_PATHS: tuple[tuple[str, Api], ...] = (
    ("/tmf-api/resourceOrdering/v4/hub", Api.ORDERING),
    ("/tmf-api/resourceOrderingManagement/v4/hub", Api.ORDERING),
    ("/tmf-api/resourceInventoryManagement/v4/hub", Api.INVENTORY),
    ("/tmf-api/resourceCatalog/v4/hub", Api.CATALOG),
    ("/tmf-api/resourceCatalogManagement/v4/hub", Api.CATALOG),
    (OWN_PATH, Api.ROM),
)
_ALIASES = (
    "/tmf-api/resourceOrderingManagement/v4/hub",
    "/tmf-api/resourceCatalogManagement/v4/hub",
)
Handler = Callable[..., Awaitable[Response]]


class HubRequest(BaseModel):
    """``EventSubscriptionInput`` with our ``secret``; type names are taken and not kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    callback: str = Field(min_length=1, max_length=2000)
    query: str | None = Field(default=None, max_length=2000)
    secret: SecretStr | None = Field(default=None, min_length=16, max_length=256)
    type_name: str | None = Field(default=None, alias="@type")
    base_type: str | None = Field(default=None, alias="@baseType")
    schema_location: str | None = Field(default=None, alias="@schemaLocation")


def router(gateway: OrderGateway, settings: ApiSettings) -> APIRouter:
    """Return every hub's operations, and what the NOC sees of them."""
    engine = events_of(gateway)
    routes = APIRouter(tags=["Events"])
    for path, api in HUB_PATHS:
        shown = path not in _ALIASES
        create = _create(engine, settings, path, api)
        routes.add_api_route(
            path, create, methods=["POST"], status_code=HTTPStatus.CREATED, include_in_schema=shown
        )
        # The NOC may remove any listener, at its own path; an API's client one of its hub.
        remove = _remove(engine, None if api is Api.ROM else api)
        routes.add_api_route(
            f"{path}/{{hub_id}}",
            remove,
            methods=["DELETE"],
            status_code=HTTPStatus.NO_CONTENT,
            include_in_schema=shown,
        )
    _add_readers(routes, engine)
    return routes


def _create(engine: EventsGateway, settings: ApiSettings, path: str, api: Api) -> Handler:
    async def create_listener(request: Request) -> JSONResponse:
        """Register a listener: 201 with ``Location``."""
        parameters(request, ())
        asked = parsed(HubRequest, await read_json(request, settings.max_body_bytes))
        secret = None if asked.secret is None else asked.secret.get_secret_value()
        try:
            listener = await run_in_threadpool(
                engine.events.listeners.subscribe,
                api,
                asked.callback,
                asked.query or "",
                secret,
                requester(request) or "",
            )
        except (CallbackRefused, BadQuery, DuplicateListener, TooManyListeners) as error:
            raise _refusal(error) from error
        location = f"{settings.base_url}{path}/{listener['id']}"
        return JSONResponse(listener, HTTPStatus.CREATED, {"Location": location})

    return create_listener


def _refusal(error: Exception) -> ApiError:
    words = {
        CallbackRefused: (
            HTTPStatus.BAD_REQUEST, "callbackRefused", "callback",
            "Give a URL the operator allows with ROM_CALLBACK_ALLOW",
        ),
        BadQuery: (
            HTTPStatus.BAD_REQUEST, "invalidQuery", "query",
            "Write eventType=A,B or event.resourceOrder.state=completed, joined by &",
        ),
        DuplicateListener: (
            HTTPStatus.CONFLICT, "duplicateListener", "callback",
            "Go on with that listener, or remove it first",
        ),
        TooManyListeners: (
            HTTPStatus.CONFLICT, "tooManyListeners", "callback",
            "Remove a listener, or raise ROM_LISTENERS_MOST",
        ),
    }  # fmt: skip
    status, code, field, fix = words[type(error)]
    return ApiError(status, code, f"{field}: {error}", fix)


def _remove(engine: EventsGateway, api: Api | None) -> Handler:
    async def remove_listener(request: Request, hub_id: str) -> Response:
        """Remove a listener and all that waits for it."""
        parameters(request, ())
        owner = None if api is None else requester(request)
        gone = await run_in_threadpool(engine.events.listeners.unsubscribe, hub_id, api, owner)
        if not gone:
            raise not_found("hub", hub_id)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return remove_listener


def _add_readers(routes: APIRouter, engine: EventsGateway) -> None:
    @routes.get(OWN_PATH)
    async def list_listeners(request: Request) -> JSONResponse:
        """List every API's listeners with the state of delivery to each."""
        parameters(request, ())
        found: list[Document] = await run_in_threadpool(engine.events.listeners.all)
        return JSONResponse(found)

    @routes.get(f"{OWN_PATH}/{{hub_id}}")
    async def read_listener(request: Request, hub_id: str) -> JSONResponse:
        """Return one listener with the state of its delivery."""
        parameters(request, ())
        found = await run_in_threadpool(engine.events.listeners.find, hub_id)
        if found is None:
            raise not_found("hub", hub_id)
        return JSONResponse(found)
