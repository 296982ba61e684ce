"""Rollback of one site as a task: previewed, started, read and followed.

A task is a TMF-style task resource with the states acknowledged, inProgress and then done or
terminatedWithError.
"""

from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.access.permissions import FORCING, require
from api.context import about
from api.dependencies import (
    MAX_NUMBER,
    By,
    EventsPart,
    LivePart,
    Place,
    Requester,
    SettingsPart,
    SitesPart,
    Wait,
)
from api.errors import ERRORS
from api.event_wait import first_events
from api.ports import ApiSettings, Document
from api.strict_route import StrictRoute
from rom.answers.sites import RollbackPreview, RollbackTask
from rom.gateway.sites import Wanted
from rom.model.change import Policy
from rom.model.deed import Actor

PATH = "/rom/v1/siteRollback"
routes = APIRouter(prefix=PATH, tags=["ROM"], route_class=StrictRoute, responses=ERRORS)


class RollbackRequest(BaseModel):
    """The body of ``POST /rom/v1/siteRollback``; without a target all is taken back."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    site: str = Field(min_length=1, max_length=64)
    to: int | None = Field(default=None, ge=0, le=MAX_NUMBER)
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

    def wanted(self, proven: str | None, by: Actor) -> Wanted:
        """Return it in the gateway's words; a ``proven`` name wins over the body's."""
        return Wanted(
            self.site,
            self.to,
            self.before,
            Policy(self.policy),
            self.reason,
            self.ticket,
            proven or self.requester,
            self.hash,
            by,
        )


@routes.post(
    "",
    operation_id="startSiteRollback",
    responses={201: {"model": RollbackTask, "description": "The task that has been started"}},
)
async def start(
    request: Request,
    asked: RollbackRequest,
    sites: SitesPart,
    settings: SettingsPart,
    who: Requester,
    by: By,
    response: Response,
) -> RollbackPreview | RollbackTask:
    """Preview the rollback of one site or, with ``dryRun`` false, start it as a task."""
    about(site=asked.site)
    asked.demand_role(request)
    wanted = asked.wanted(who, by)
    if asked.dryRun:
        return await run_in_threadpool(sites.preview, wanted)
    task = _located(await run_in_threadpool(sites.roll_back, wanted), settings)
    response.status_code = HTTPStatus.CREATED
    response.headers["Location"] = task.href or ""
    return task


@routes.get("/{task_id}", operation_id="retrieveSiteRollback")
def read(task_id: str, sites: SitesPart, settings: SettingsPart) -> RollbackTask:
    """Return a task; its result says per device what became of it."""
    return _located(sites.find_rollback(task_id), settings)


@routes.get("/{task_id}/events", operation_id="rollbackEvents")
async def events(
    request: Request,
    task_id: str,
    sites: SitesPart,
    log: EventsPart,
    live: LivePart,
    after: Place = 0,
    wait: Wait = 0,
) -> list[Document]:
    """Return events after sequence ``after``; with none yet, wait up to ``wait`` seconds."""
    await run_in_threadpool(sites.find_rollback, task_id)

    async def look() -> list[Document]:
        return await run_in_threadpool(log.of_stream, task_id, after)

    return await first_events(request, live, task_id, look, wait)


def _located(task: RollbackTask, settings: ApiSettings) -> RollbackTask:
    return task.model_copy(update={"href": f"{settings.base_url}{PATH}/{task.id}"})
