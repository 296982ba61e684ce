"""The HTTP application: every face outward over one engine."""

from fastapi import FastAPI

from adapters.ztp import service as ztp
from api import (
    cancel_orders,
    dead_letters,
    devices,
    fallout,
    hub,
    operations,
    order_writes,
    rom_v1,
    site_rollback,
    stock,
    stream,
    tmf634,
    tmf639,
    tmf652,
)
from api.access.access import Access
from api.access.gate import Gate
from api.access.permissions import rules_of
from api.context import RequestContext
from api.errors import install_error_handlers
from api.live import Live
from api.openapi import install_openapi
from api.ports import ApiSettings, OrderGateway


def create_app(
    gateway: OrderGateway,
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
    )
    app.state.live = live or Live()
    install_error_handlers(app)
    app.include_router(tmf652.router(gateway, settings))
    app.include_router(order_writes.router(gateway, settings))
    app.include_router(cancel_orders.router(gateway, settings))
    app.include_router(fallout.router(gateway, settings))
    app.include_router(tmf639.router(gateway, settings))
    app.include_router(tmf634.router(gateway, settings))
    app.include_router(rom_v1.router(gateway, app.state.live))
    app.include_router(site_rollback.router(gateway, settings, app.state.live))
    app.include_router(hub.router(gateway, settings))
    app.include_router(dead_letters.router(gateway, settings))
    app.include_router(stream.router(gateway, app.state.live))
    app.include_router(devices.router(gateway, settings))
    app.include_router(stock.router(gateway))
    app.include_router(operations.router(gateway))
    app.include_router(ztp.router(gateway.ztp_desk))
    install_openapi(app)
    _guard(app, access or Access())
    return app


def _guard(app: FastAPI, access: Access) -> None:
    """Put the gate around everything that ``app`` serves by now, and the context around both."""
    operations = rules_of(app, access.permissions)
    app.add_middleware(
        Gate,
        operations=operations,
        authenticator=access.authenticator,
        rates=access.rates,
        control=access.control,
    )
    app.add_middleware(RequestContext)
