"""TMF639 Resource Inventory v4: what the orders have allocated and what is free.

Resources are the network's, loaded by its engineers: creating and deleting them is not possible
here (405 with ``Allow``), while clients may say something of them.
"""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.access.principal import actor, principal
from api.body import read_patch
from api.ports import ApiSettings
from api.query import asked_for, page_response, parameters, select_fields
from rom.gateway.inventory import BASE_PATH, UNSEARCHABLE, Inventory


def router(inventory: Inventory, settings: ApiSettings) -> APIRouter:
    """Return the operations on resources."""
    routes = APIRouter(tags=["TMF639 Resource Inventory"])

    @routes.get(BASE_PATH)
    async def list_all(request: Request) -> JSONResponse:
        """List the resources that fulfil every filter given."""
        asked = asked_for(request, "Resource", UNSEARCHABLE)
        within = principal(request).scope
        found, total = await run_in_threadpool(inventory.page, asked.listing, within)
        return page_response(found, total, asked, settings.base_url)

    @routes.get(f"{BASE_PATH}/{{resource_id}}")
    async def read(request: Request, resource_id: str) -> JSONResponse:
        """Return one resource."""
        found = parameters(request, {"fields"})
        within = principal(request).scope
        document = await run_in_threadpool(inventory.find, resource_id, within)
        return JSONResponse(select_fields(document, found.get("fields")))

    @routes.patch(f"{BASE_PATH}/{{resource_id}}")
    async def change(request: Request, resource_id: str) -> JSONResponse:
        """Change what a client may say of a resource; the rest is refused by its name."""
        found = parameters(request, {"fields"})
        kind, patch = await read_patch(request, settings.max_body_bytes)
        within = principal(request).scope
        changed = await run_in_threadpool(
            inventory.change, resource_id, kind, patch, within, by=actor(request)
        )
        return JSONResponse(select_fields(changed, found.get("fields")))

    return routes
