"""The inventory over HTTP, beyond TMF639: pools with what is free, and files that bring more."""

from http import HTTPStatus
from typing import Protocol, cast

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.body import read_json
from api.errors import ApiError
from api.ports import Document, OrderGateway
from api.query import parameters
from inventory.load import MAX_FILE_BYTES
from inventory.problems import InventoryFileError
from inventory.writing import LoadReport

_MOST_PROBLEMS = 20
"""Findings told besides the first."""


class Stocked(Protocol):
    """Who keeps the inventory; ``rom.stock.Stock`` says what it raises."""

    def load(self, content: object, name: str) -> LoadReport:
        """Bring an inventory file's content in."""

    def pools(self) -> list[Document]:
        """Return every pool."""


class StockGateway(OrderGateway, Protocol):
    """The engine as these operations see it."""

    @property
    def stock(self) -> Stocked:
        """Who keeps the inventory."""


def router(gateway: OrderGateway) -> APIRouter:
    """Return the operations."""
    engine = cast(StockGateway, gateway)  # the application's own type knows orders only
    routes = APIRouter(prefix="/rom/v1", tags=["ROM"])

    @routes.get("/pools")
    async def pools(request: Request) -> JSONResponse:
        """List the pools with capacity and what is free; ``low`` is less than planning keeps."""
        parameters(request, ())
        return JSONResponse(await run_in_threadpool(engine.stock.pools))

    @routes.post("/inventory")
    async def load(request: Request) -> JSONResponse:
        """Take an inventory file's content as JSON, all of it or nothing; what it lacks stays."""
        parameters(request, ())
        content = await read_json(request, MAX_FILE_BYTES)
        try:
            report = await run_in_threadpool(engine.stock.load, content, "body")
        except InventoryFileError as error:
            raise _refused(error) from error
        return JSONResponse(report.model_dump())

    return routes


def _refused(error: InventoryFileError) -> ApiError:
    first, *others = error.problems
    told = [first.fix, *(str(problem) for problem in others[:_MOST_PROBLEMS])]
    if len(others) > _MOST_PROBLEMS:
        told.append(f"and {len(others) - _MOST_PROBLEMS} more")
    place = f"{first.entry}, {first.field}" if first.field else first.entry
    reason = f"{place}: {first.text}"
    return ApiError(HTTPStatus.BAD_REQUEST, "inventoryRefused", reason, "\n".join(told))
