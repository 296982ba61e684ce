"""The inventory beyond TMF639: pools with what is free, and files that bring more."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import StringConstraints

from api.dependencies import By, InventoryPart
from api.errors import ERRORS
from api.strict_route import StrictRoute
from inventory.load import MAX_FILE_BYTES
from rom.answers.inventory import PoolLine
from rom.gateway.inventory import LoadPreview, LoadReport


class FileRoute(StrictRoute):
    """Takes bodies as large as an inventory file may be."""

    most_bytes: ClassVar[int | None] = MAX_FILE_BYTES


routes = APIRouter(prefix="/rom/v1", tags=["ROM"], route_class=FileRoute, responses=ERRORS)
Name = Annotated[str, StringConstraints(min_length=1, max_length=500)]
_MOST_NAMES = 100
_FILE = {"schema": {"$ref": "#/components/schemas/InventoryFile"}}


@routes.get("/pools", operation_id="listPools")
def pools(inventory: InventoryPart) -> tuple[PoolLine, ...]:
    """List the pools with capacity and what is free; ``low`` is less than planning keeps."""
    return inventory.pools()


@routes.post(
    "/inventory",
    operation_id="loadInventory",
    # The inventory reads it itself, to tell every finding at once.
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": _FILE}}},
)
def load(
    content: Annotated[Any, Body()],
    inventory: InventoryPart,
    by: By,
    *,
    dry_run: Annotated[bool, Query(alias="dryRun")] = False,
    replace: Annotated[tuple[Name, ...], Query(max_length=_MOST_NAMES)] = (),
) -> LoadPreview | LoadReport:
    """Take an inventory file's content as JSON, all of it or nothing; what it lacks stays.

    With ``dryRun`` nothing is taken, and ``changes`` says of each entry what would become of it.
    A refusal has every mistake in ``problems``, each with its place as a JSON pointer. ``replace``
    names a change of what sites have in service, as the refusal of it does: it is done then, and
    the services of these sites are planned anew.
    """
    if dry_run:
        return inventory.preview(content, "body", replace=replace)
    return inventory.load(content, "body", by=by, replace=replace)


@routes.get(
    "/inventory",
    operation_id="exportInventory",
    responses={200: {"content": {"application/json": _FILE}}},
)
def export(inventory: InventoryPart) -> JSONResponse:
    """Return the inventory as the content of a file that loads to the same; no secrets."""
    return JSONResponse(inventory.export())
