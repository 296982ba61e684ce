"""TMF634 Resource Catalog v4.1: specifications to read, and for administrators to change."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from api.access.principal import actor
from api.body import read_json, read_patch
from api.ports import ApiSettings
from api.query import asked_for, page_response, parameters, select_fields
from rom.gateway.catalog import BASE_PATH, Catalog

BASE_PATHS = (
    BASE_PATH,
    "/tmf-api/resourceCatalogManagement/v4/resourceSpecification",  # how others call it
)


def router(catalog: Catalog, settings: ApiSettings) -> APIRouter:
    """Return the operations on resource specifications."""
    routes = APIRouter(tags=["TMF634 Resource Catalog"])
    for base in BASE_PATHS:
        of_base = APIRouter(include_in_schema=base == BASE_PATH)
        _add_reading(of_base, base, catalog, settings)
        _add_changing(of_base, base, catalog, settings)
        routes.include_router(of_base)
    return routes


def _add_reading(routes: APIRouter, base: str, catalog: Catalog, settings: ApiSettings) -> None:
    @routes.get(base)
    async def list_all(request: Request) -> JSONResponse:
        """List specifications in force; every version when a filter is about versions."""
        asked = asked_for(request, "ResourceSpecification")
        found, total = await run_in_threadpool(catalog.page, asked.listing)
        return page_response(found, total, asked, settings.base_url)

    @routes.get(f"{base}/{{specification_id}}")
    async def read(request: Request, specification_id: str) -> JSONResponse:
        """Return one specification, in the version in force unless ``version`` is given."""
        found = parameters(request, {"fields", "version"})
        document = await run_in_threadpool(catalog.find, specification_id, found.get("version"))
        return JSONResponse(select_fields(document, found.get("fields")))


def _add_changing(routes: APIRouter, base: str, catalog: Catalog, settings: ApiSettings) -> None:
    one = f"{base}/{{specification_id}}"

    @routes.post(base)
    async def create(request: Request) -> JSONResponse:
        """Make a specification: 201 with ``Location`` equal to its ``href``."""
        found = parameters(request, {"fields"})
        body = await read_json(request, settings.max_body_bytes)
        made = await run_in_threadpool(catalog.create, body, by=actor(request))
        return JSONResponse(
            select_fields(made, found.get("fields")),
            HTTPStatus.CREATED,
            {"Location": made["href"]},
        )

    @routes.patch(one)
    async def change(request: Request, specification_id: str) -> JSONResponse:
        """Change a specification; once it has been ordered, a new version is made."""
        found = parameters(request, {"fields", "version"})
        kind, patch = await read_patch(request, settings.max_body_bytes)
        changed = await run_in_threadpool(
            catalog.change,
            specification_id,
            found.get("version"),
            kind,
            patch,
            by=actor(request),
        )
        return JSONResponse(select_fields(changed, found.get("fields")))

    @routes.delete(one)
    async def withdraw(request: Request, specification_id: str) -> Response:
        """Withdraw a specification that no site uses and no open order names."""
        parameters(request, ())
        await run_in_threadpool(catalog.withdraw, specification_id, by=actor(request))
        return Response(status_code=HTTPStatus.NO_CONTENT)
