"""TMF639 Resource Inventory v4, read only: what the orders have allocated and what is free."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.errors import not_found
from api.ports import ApiSettings, Document, OrderGateway
from api.query import page, page_response, parameters, select_fields
from api.resource_documents import FILTERS, resource_document

BASE_PATH = "/tmf-api/resourceInventoryManagement/v4/resource"


def router(gateway: OrderGateway, settings: ApiSettings) -> APIRouter:
    """Return the two reading operations."""
    routes = APIRouter(tags=["TMF639 Resource Inventory"])

    def document(row: Document) -> Document:
        return resource_document(row, f"{settings.base_url}{BASE_PATH}/{row['resource_id']}")

    @routes.get(BASE_PATH)
    async def list_all(request: Request) -> JSONResponse:
        """List resources that match every filter given."""
        found = parameters(request, {"offset", "limit", "fields", *FILTERS})
        filters = {FILTERS[name]: value for name, value in found.items() if name in FILTERS}
        asked = page(found)
        rows, total = await run_in_threadpool(
            lambda: gateway.list_resources(offset=asked.offset, limit=asked.limit, filters=filters)
        )
        return page_response([document(row) for row in rows], total, asked, found.get("fields"))

    @routes.get(f"{BASE_PATH}/{{resource_id}}")
    async def read(request: Request, resource_id: str) -> JSONResponse:
        """Return one resource."""
        found = parameters(request, {"fields"})
        row = await run_in_threadpool(gateway.find_resource, resource_id)
        if row is None:
            raise not_found("resource", resource_id)
        return JSONResponse(select_fields(document(row), found.get("fields")))

    return routes
