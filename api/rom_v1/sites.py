"""One site: its snapshots, what differs, a second run, and what a rollback would do."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import By, Place, SitesPart, naming_site
from api.errors import ERRORS
from api.strict_route import StrictRoute
from rom.answers.sites import (
    Reapplied,
    RepairPreview,
    RollbackPreview,
    SecretRotation,
    SiteComparison,
    SnapshotLine,
)
from rom.gateway.sites import Wanted

routes = APIRouter(
    prefix="/rom/v1/sites/{site}",
    tags=["ROM"],
    route_class=StrictRoute,
    responses=ERRORS,
    dependencies=[Depends(naming_site)],
)


class RepairRequest(BaseModel):
    """The body of ``POST /rom/v1/sites/{site}/repair``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dryRun: bool = True  # noqa: N815 - the name on the wire
    reason: str = Field(default="", max_length=500)
    """Why what somebody else has set is to be replaced."""
    ticket: str = Field(default="", max_length=100)


@routes.post("/reapply", operation_id="reapplySite")
def reapply(site: str, sites: SitesPart, by: By) -> Reapplied:
    """Bring the site's intent onto its devices again; what is in place already is not sent.

    What somebody else has set since is left to a repair with a reason: 409.
    """
    return sites.reapply(site, by=by)


@routes.get("/rollbackPreview", operation_id="previewRollback")
def rollback_preview(site: str, sites: SitesPart) -> RollbackPreview:
    """Say what taking the site back would send and release; changes nothing."""
    return sites.preview(Wanted(site))


@routes.get("/snapshots", operation_id="listSnapshots")
def snapshots(site: str, sites: SitesPart) -> tuple[SnapshotLine, ...]:
    """List the site's snapshots, oldest first."""
    return sites.snapshots(site)


@routes.get("/diff", operation_id="compareSnapshots")
def diff(
    site: str, sites: SitesPart, a: Place | None = None, b: Place | None = None
) -> SiteComparison:
    """Compare snapshot ``a`` with ``b``; by default the latest with the devices as they are."""
    return sites.compare(site, a, b)


class RotationRequest(BaseModel):
    """The body of ``POST /rom/v1/sites/{site}/rotateSecret``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    secret: str = Field(min_length=1, max_length=64)
    """Which one, such as ``bgp`` or ``ce-login``."""
    reason: str = Field(default="", max_length=500)
    ticket: str = Field(default="", max_length=100)


@routes.post("/rotateSecret", operation_id="rotateSiteSecret")
def rotate_secret(site: str, asked: RotationRequest, sites: SitesPart, by: By) -> SecretRotation:
    """Give a secret of the site another value, and bring it to every device that holds it."""
    return sites.rotate_secret(site, asked.secret, by=by, reason=asked.reason, ticket=asked.ticket)


@routes.post("/repair", operation_id="repairSite")
def repair(site: str, asked: RepairRequest, sites: SitesPart, by: By) -> RepairPreview | Reapplied:
    """Say what repairing the site would send or, with ``dryRun`` false, send it.

    Without a reason what somebody else has set since is not replaced: 409.
    """
    if asked.dryRun:
        return sites.repair_preview(site)
    return sites.reapply(site, by=by, reason=asked.reason, ticket=asked.ticket)
