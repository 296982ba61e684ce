"""Hubs: where listeners register for an API's events (TMF652, TMF639 and TMF634 v4; TMF630).

Each API has one hub, whichever of its base paths is used. The same callback with the same query
again is answered 409 and names the listener that is there; a second, different one is welcome.
``secret``, an extension, has notifications signed; it is never shown again.
"""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.dependencies import By, EventsPart, OwnerOfRequest, Requester, SettingsPart
from api.errors import ERRORS
from api.strict_route import StrictRoute
from rom.answers.events import ListenerStatus, NewListener
from rom.model.event_types import Api

OWN_PATH = "/rom/v1/hub"
HUB_PATHS: tuple[tuple[str, Api, str], ...] = (
    ("/tmf-api/resourceOrdering/v4/hub", Api.ORDERING, "OrderListener"),
    ("/tmf-api/resourceOrderingManagement/v4/hub", Api.ORDERING, "OrderListener"),
    ("/tmf-api/resourceInventoryManagement/v4/hub", Api.INVENTORY, "ResourceListener"),
    ("/tmf-api/resourceCatalog/v4/hub", Api.CATALOG, "CatalogListener"),
    ("/tmf-api/resourceCatalogManagement/v4/hub", Api.CATALOG, "CatalogListener"),
    (OWN_PATH, Api.ROM, "Listener"),
)
"""Path, whose events, and what the operations are called after."""
_ALIASES = (
    "/tmf-api/resourceOrderingManagement/v4/hub",
    "/tmf-api/resourceCatalogManagement/v4/hub",
)


class HubRequest(BaseModel):
    """``EventSubscriptionInput`` with our ``secret``; type names are taken and not kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    callback: str = Field(min_length=1, max_length=2000)
    query: str | None = Field(default=None, max_length=2000)
    secret: SecretStr | None = Field(default=None, min_length=16, max_length=256)
    type_name: str | None = Field(default=None, alias="@type")
    base_type: str | None = Field(default=None, alias="@baseType")
    schema_location: str | None = Field(default=None, alias="@schemaLocation")


def _hubs() -> APIRouter:
    made = APIRouter(tags=["Events"], route_class=StrictRoute, responses=ERRORS)
    for path, api, name in HUB_PATHS:
        shown = path not in _ALIASES
        made.add_api_route(
            path,
            _create(path, api),
            methods=["POST"],
            status_code=HTTPStatus.CREATED,
            operation_id=f"register{name}" if shown else None,
            include_in_schema=shown,
        )
        # The NOC may remove any listener, at its own path; an API's client one of its hub.
        made.add_api_route(
            f"{path}/{{hub_id}}",
            _remove(None if api is Api.ROM else api),
            methods=["DELETE"],
            status_code=HTTPStatus.NO_CONTENT,
            operation_id=f"unregister{name}" if shown else None,
            include_in_schema=shown,
        )
    return made


def _create(path: str, api: Api) -> Callable[..., NewListener]:
    def create_listener(
        asked: HubRequest,
        events: EventsPart,
        settings: SettingsPart,
        who: OwnerOfRequest,
        by: By,
        response: Response,
    ) -> NewListener:
        """Register a listener: 201 with ``Location``."""
        secret = None if asked.secret is None else asked.secret.get_secret_value()
        listener = events.subscribe(api, asked.callback, asked.query or "", secret, who, by=by)
        response.headers["Location"] = f"{settings.base_url}{path}/{listener.id}"
        return listener

    return create_listener


def _remove(api: Api | None) -> Callable[..., None]:
    def remove_listener(hub_id: str, events: EventsPart, who: Requester, by: By) -> None:
        """Remove a listener and all that waits for it."""
        events.unsubscribe(hub_id, api, None if api is None else who, by=by)

    return remove_listener


routes = _hubs()


@routes.get(OWN_PATH, operation_id="listListeners")
def list_listeners(events: EventsPart) -> tuple[ListenerStatus, ...]:
    """List every API's listeners with the state of delivery to each."""
    return events.listeners()


@routes.get(f"{OWN_PATH}/{{hub_id}}", operation_id="retrieveListener")
def read_listener(hub_id: str, events: EventsPart) -> ListenerStatus:
    """Return one listener with the state of its delivery."""
    return events.listener(hub_id)
