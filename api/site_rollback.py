"""Rollback of one site over HTTP: previewed or as a task, with the site's snapshots and repair.

Everything here lies under ``/rom/v1``; a task is a TMF-style task resource with the states
acknowledged, inProgress and then done or terminatedWithError.
"""

import json
from http import HTTPStatus
from typing import Literal, Protocol, TypeVar, cast

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from api.access.permissions import FORCING, require
from api.access.principal import requester
from api.body import read_json
from api.errors import ApiError, error_response, not_found
from api.event_wait import MAX_WAIT_SECONDS, first_events
from api.live import Live
from api.ports import ApiSettings, Document, OrderGateway
from api.query import parameters, whole_number
from inventory.model import ResourceExhausted
from rom.model.change import Policy
from rom.undo.standing import TargetGone
from rom.undo.target import NotABoundary, UnknownTarget
from rom.undo.tasks import (
    OrderUnderWay,
    PreviewDiffers,
    RollbackConflicts,
    RollbackOpen,
    Wanted,
)

TASKS = "/siteRollback"
_MAX_NUMBER = 2**63 - 1
Asked = TypeVar("Asked", bound=BaseModel)


class RollbackGateway(OrderGateway, Protocol):
    """The engine as these operations see it; ``rom.gateway.Gateway`` says what each one raises."""

    def preview_of(self, wanted: Wanted) -> Document:
        """Say what the rollback would do."""

    def start_rollback(self, wanted: Wanted) -> Document:
        """Start the rollback's task."""

    def find_rollback(self, task_id: str) -> Document | None:
        """Return a task."""

    def snapshots(self, site: str) -> list[Document]:
        """List a site's snapshots."""

    def compare(self, site: str, first: int | None, second: int | None) -> Document:
        """Compare two snapshots, or one and the devices as they are now."""

    def repair_preview(self, site: str) -> Document:
        """Say what bringing the site's intent out again would send."""


class RollbackRequest(BaseModel):
    """The body of ``POST /rom/v1/siteRollback``; without a target all is taken back."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    site: str = Field(min_length=1, max_length=64)
    to: int | None = Field(default=None, ge=0, le=_MAX_NUMBER)
    before: str | None = Field(default=None, min_length=1, max_length=64)
    policy: Literal["refuse", "keep", "force"] = "refuse"
    reason: str = Field(default="", max_length=500)
    ticket: str = Field(default="", max_length=100)
    requester: str = Field(default="", max_length=100)
    hash: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Of the preview that was seen; when it would be another one now, nothing is started."""
    dryRun: bool = True  # noqa: N815 - the name on the wire

    @model_validator(mode="after")
    def _one_target_and_a_reason(self) -> "RollbackRequest":
        if self.to is not None and self.before is not None:
            raise ValueError("to and before name two targets; give one")
        if self.policy == "force" and not self.reason.strip():
            raise ValueError("force needs a reason")
        return self

    def demand_role(self, request: Request) -> None:
        """Raise ``ApiError`` (403) for force by a client who may not; anybody may look at it."""
        if self.policy == "force" and not self.dryRun:
            require(request, FORCING, "policy")

    def wanted(self, proven: str | None) -> Wanted:
        """Return it in the engine's words; a ``proven`` name wins over the body's."""
        return Wanted(
            self.site,
            self.to,
            self.before,
            Policy(self.policy),
            self.reason,
            self.ticket,
            proven or self.requester,
            self.hash,
        )


class RepairRequest(BaseModel):
    """The body of ``POST /rom/v1/sites/{site}/repair``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dryRun: bool = True  # noqa: N815 - the name on the wire


def router(gateway: OrderGateway, settings: ApiSettings, live: Live) -> APIRouter:
    """Return the operations."""
    engine = cast(RollbackGateway, gateway)  # the application's own type knows orders only
    routes = APIRouter(prefix="/rom/v1", tags=["ROM"])
    _add_tasks(routes, engine, settings, live)
    _add_site(routes, engine, settings)
    return routes


def _add_tasks(
    routes: APIRouter, engine: RollbackGateway, settings: ApiSettings, live: Live
) -> None:
    def shown(task: Document) -> Document:
        return task | {"href": f"{settings.base_url}/rom/v1{TASKS}/{task['id']}"}

    @routes.post(TASKS)
    async def start(request: Request) -> JSONResponse:
        """Preview the rollback of one site or, with ``dryRun`` false, start it as a task."""
        parameters(request, ())
        asked = parsed(RollbackRequest, await read_json(request, settings.max_body_bytes))
        structlog.contextvars.bind_contextvars(site=asked.site)
        asked.demand_role(request)
        action = engine.preview_of if asked.dryRun else engine.start_rollback
        try:
            found = await run_in_threadpool(action, asked.wanted(requester(request)))
        except (RollbackConflicts, PreviewDiffers) as error:
            return _look_again(error)
        except (LookupError, NotABoundary) as error:
            raise _no_target(error, asked.site) from error
        except (RollbackOpen, OrderUnderWay, TargetGone, ResourceExhausted) as error:
            raise _impossible(error) from error
        if asked.dryRun:
            return JSONResponse(found)
        task = shown(found)
        return JSONResponse(task, HTTPStatus.CREATED, {"Location": task["href"]})

    @routes.get(f"{TASKS}/{{task_id}}")
    async def read(request: Request, task_id: str) -> JSONResponse:
        """Return a task; its result says per device what became of it."""
        parameters(request, ())
        return JSONResponse(shown(await _task(engine, task_id)))

    @routes.get(f"{TASKS}/{{task_id}}/events")
    async def events(request: Request, task_id: str) -> JSONResponse:
        """Return events after sequence ``after``; with none yet, wait up to ``wait`` seconds."""
        found = parameters(request, {"after", "wait"})
        after = whole_number(found, "after", 0, lowest=0, highest=_MAX_NUMBER)
        wait = whole_number(found, "wait", 0, lowest=0, highest=MAX_WAIT_SECONDS)
        await _task(engine, task_id)

        async def look() -> list[Document]:
            return await run_in_threadpool(engine.events_after, task_id, after)

        return JSONResponse(await first_events(request, live, task_id, look, wait))


def _add_site(routes: APIRouter, engine: RollbackGateway, settings: ApiSettings) -> None:
    @routes.get("/sites/{site}/snapshots")
    async def snapshots(request: Request, site: str) -> JSONResponse:
        """List the site's snapshots, oldest first."""
        parameters(request, ())
        try:
            return JSONResponse(await run_in_threadpool(engine.snapshots, site))
        except LookupError as error:
            raise _unknown(error, site) from error

    @routes.get("/sites/{site}/diff")
    async def diff(request: Request, site: str) -> JSONResponse:
        """Compare snapshot ``a`` with ``b``; by default the latest with the devices as they are."""
        found = parameters(request, {"a", "b"})
        first, second = (
            whole_number(found, name, 0, lowest=0, highest=_MAX_NUMBER) if name in found else None
            for name in ("a", "b")
        )
        try:
            return JSONResponse(await run_in_threadpool(engine.compare, site, first, second))
        except LookupError as error:
            raise _unknown(error, site) from error

    @routes.post("/sites/{site}/repair")
    async def repair(request: Request, site: str) -> JSONResponse:
        """Say what repairing the site would send or, with ``dryRun`` false, send it."""
        parameters(request, ())
        asked = parsed(RepairRequest, await read_json(request, settings.max_body_bytes))
        try:
            action = engine.repair_preview if asked.dryRun else engine.reapply
            return JSONResponse(await run_in_threadpool(action, site))
        except LookupError as error:
            raise _unknown(error, site) from error
        except TimeoutError as error:
            raise ApiError(
                HTTPStatus.GATEWAY_TIMEOUT, "devicesBusy", f"site: {error}",
                "The change stays queued and is brought out when the device can be reached",
            ) from error  # fmt: skip


async def _task(engine: RollbackGateway, task_id: str) -> Document:
    found = await run_in_threadpool(engine.find_rollback, task_id)
    if found is None:
        raise not_found("siteRollback", task_id)
    return found


def parsed(model: type[Asked], body: object) -> Asked:
    """Return the body as ``model``; raises ``ApiError`` (400) that names the member at fault."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "body"
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "invalidValue", f"{place}: {first['msg']}"
        ) from error


def _no_target(error: LookupError | NotABoundary, site: str) -> ApiError:
    if isinstance(error, LookupError):
        return _unknown(error, site)
    return ApiError(
        HTTPStatus.BAD_REQUEST, "notABoundary", f"{error.field}: {error}",
        f"Choose one that GET /rom/v1/sites/{site}/snapshots marks as a boundary",
    )  # fmt: skip


def _unknown(error: LookupError, site: str) -> ApiError:
    if isinstance(error, UnknownTarget):
        return ApiError(
            HTTPStatus.NOT_FOUND, "notFound", f"target: {error}",
            f"List snapshots and orders with GET /rom/v1/sites/{site}/snapshots",
        )  # fmt: skip
    if error.args != (site,):
        raise error  # a fault of ours, not the answer to an unknown name
    return not_found("site", site)


def _impossible(error: Exception) -> ApiError:
    words = {
        RollbackOpen: ("rollbackUnderWay", "Wait until that one is final"),
        OrderUnderWay: ("orderUnderWay", "Wait until the order is final, or cancel it first"),
        TargetGone: ("targetGone", "Order the site again; its former resources are given back"),
        ResourceExhausted: ("resourceExhausted", "The site as it was needs more than is free"),
    }
    code, fix = words[type(error)]
    return ApiError(HTTPStatus.CONFLICT, code, f"site: {error}", fix)


def _look_again(error: RollbackConflicts | PreviewDiffers) -> JSONResponse:
    """Answer with the TM Forum error body, and what there is to look at beside it."""
    if isinstance(error, RollbackConflicts):
        code, reason = "rollbackConflicts", f"policy: {error}"
        fix = "Look at conflicts; then ask with policy keep, or force with a reason"
        more: Document = {"conflicts": error.conflicts}
    else:
        code, reason = "previewDiffers", f"hash: {error}"
        fix = "Look at preview, and ask again with its hash"
        more = {"preview": error.preview}
    response = error_response(ApiError(HTTPStatus.CONFLICT, code, reason, fix))
    return JSONResponse(json.loads(bytes(response.body)) | more, HTTPStatus.CONFLICT)
