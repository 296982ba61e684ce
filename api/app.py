"""The HTTP application: every face outward over one engine."""

from fastapi import FastAPI

from adapters.ztp import service as ztp
from api import hub, operations
from api.access.access import Access
from api.access.admission import Admission
from api.access.permissions import rules_of
from api.context import RequestContext
from api.errors import install_error_handlers
from api.live import Live
from api.openapi import install_openapi
from api.ports import ApiSettings
from api.rom_v1 import (
    audit,
    dead_letters,
    devices,
    fallout,
    inventory,
    orders,
    rollbacks,
    secrets,
    sites,
    stream,
)
from api.tmf import cancellations, resources, specifications
from api.tmf import orders as resource_orders
from api.well_formed import WellFormed
from rom.gateway.gateway import Gateway

_OWN = (orders, fallout, sites, rollbacks, devices, inventory, dead_letters, audit, secrets, stream)


def create_app(
    gateway: Gateway,
    settings: ApiSettings,
    live: Live | None = None,
    access: Access | None = None,
) -> FastAPI:
    """Return the application over a started ``gateway``; it neither starts nor stops the engine.

    Without ``access`` it is an open lab. Raises ``UndeclaredRoute`` for a route that nobody has
    said who may use.

    ``app.state.live`` is what wakes waiting event requests; the caller runs it, and closes it so
    that they end at once.
    """
    app = FastAPI(
        title="ROM gateway",
        description="TMF652 resource orders in, proven sites out",
        docs_url=None,  # the stock pages fetch scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,
        # Its own spans name paths, and routers' paths hold tokens; ours name routes.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.gateway = gateway
    app.state.settings = settings
    app.state.live = live or Live()
    app.state.followers = stream.Followers()
    install_error_handlers(app)
    app.include_router(resource_orders.router(gateway.orders, settings))
    app.include_router(cancellations.router(gateway.orders, settings))
    app.include_router(resources.router(gateway.inventory, settings))
    app.include_router(specifications.router(gateway.catalog, settings))
    app.include_router(hub.routes)
    for module in _OWN:
        app.include_router(module.routes)
    app.include_router(operations.router(gateway))
    app.include_router(ztp.router(gateway.bootstrap))
    install_openapi(app)
    _guard(app, access or Access())
    return app


def _guard(app: FastAPI, access: Access) -> None:
    """Let in to what ``app`` serves by now only who may, and put the context around both."""
    operations = rules_of(app, access.permissions)
    app.add_middleware(
        Admission,
        operations=operations,
        authenticator=access.authenticator,
        rates=access.rates,
        control=access.control,
    )
    app.add_middleware(WellFormed)
    app.add_middleware(RequestContext)
