"""The one way into the application: who asks, may that one, how often, and within which limits."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from api.access.authentication import AccessPort, Authenticator, Openness, ask
from api.access.bearer import forbidden, presented_token
from api.access.permissions import PATH_KINDS, Found, Operation, Operations, Reach, Rule
from api.access.principal import OPEN_LAB, Principal, attach
from api.access.rates import Kind, Rates
from api.access.web_pages import refuse_other_pages
from api.context import about
from api.errors import ApiError, error_response, of_domain, unserved
from rom.model.access import ScopedKind, limited_to
from rom.model.errors import (
    Unknown,
    UnknownCancellation,
    UnknownOrder,
    UnknownResource,
    UnknownRollback,
    UnknownSite,
)

OPEN_LAB_HEADER = "X-ROM-Open-Lab"
# What is said of each path parameter where nothing is found.
_NOT_FOUND: Mapping[ScopedKind, type[Unknown]] = {
    ScopedKind.ORDER: UnknownOrder,
    ScopedKind.SITE: UnknownSite,
    ScopedKind.RESOURCE: UnknownResource,
}
_log = structlog.get_logger(__name__)


class Admission:
    """ASGI middleware around the whole application; what it does not let in ends here.

    Whoever is not known learns nothing but that a token is needed, also not which paths there are.
    What lies outside a client's limits is answered exactly as what does not exist.
    """

    def __init__(
        self,
        app: ASGIApp,
        operations: Operations,
        authenticator: Authenticator,
        rates: Rates,
        control: AccessPort | None,
    ) -> None:
        self._app = app
        self._operations = operations
        self._authenticator = authenticator
        self._rates = rates
        self._control = control

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing else is served
            await send({"type": "websocket.close", "code": 1008})
            return
        send = self._saying_that_it_is_open(send)
        found = self._operations.find(scope)
        if found.operation is not None:
            scope["route"] = found.operation.route  # its template is what the log names
        try:
            who = await self._admitted(Request(scope), found)
        except ApiError as error:
            await error_response(error)(scope, receive, send)
            return
        if who is None:
            await self._app(scope, receive, send)
            return
        attach(scope, who, partial(self._still, Request(scope), who))
        with limited_to(who.scope):
            await self._app(scope, receive, send)

    def _saying_that_it_is_open(self, send: Send) -> Send:
        async def saying(message: Message) -> None:
            is_open = self._authenticator.known is Openness.OPEN
            if message["type"] == "http.response.start" and is_open:
                MutableHeaders(scope=message)[OPEN_LAB_HEADER] = "true"
            await send(message)

        return saying

    async def _admitted(self, request: Request, found: Found) -> Principal | None:
        """Return who may go on, ``None`` where nobody has to say; raises ``ApiError``."""
        token = presented_token(request)
        operation = found.operation
        if operation is not None and operation.rule.roles is None:
            if operation.rule.boots:
                await self._rates.admit(f"address:{_address(request)}", "boots")
            return None
        is_open = await self._authenticator.openness() is Openness.OPEN
        refuse_other_pages(request, open_lab=is_open)
        rule = None if operation is None else operation.rule
        who = await self._known(request, token, _kind(request.method, rule))
        about(principal=who.name)
        if operation is None:
            raise unserved(request.url.path, request.method, ", ".join(sorted(found.allowed)))
        if operation.rule.roles is not None and who.roles.isdisjoint(operation.rule.roles):
            needed = ", ".join(sorted(operation.rule.roles))
            _log.info("access refused", reason="role")
            raise forbidden(f"role: this needs one of {needed}", "Ask with another token")
        await self._within_limits(who, operation, found.parameters)
        return who

    async def _known(self, request: Request, token: str | None, kind: Kind) -> Principal:
        address = _address(request)
        try:
            who = await self._authenticator.principal(token)
        except ApiError:
            await self._rates.admit(f"address:{address}", kind)
            raise
        # In the open lab everybody has the same name.
        asked_by = f"address:{address}" if who is OPEN_LAB else f"name:{who.name}"
        await self._rates.admit(asked_by, kind)
        return who

    async def _still(self, request: Request, who: Principal) -> bool:
        try:
            return await self._authenticator.principal(presented_token(request)) == who
        except ApiError as error:
            return error.status != HTTPStatus.UNAUTHORIZED  # else the database is away

    async def _within_limits(
        self, who: Principal, operation: Operation, parameters: Mapping[str, str]
    ) -> None:
        if not who.scope.limited:
            return
        if operation.rule.reach is Reach.REFUSED:
            reason = "scope: this is for clients without limits by customer or site"
            raise forbidden(reason, "Ask with another token")
        if operation.rule.reach is not Reach.PATH:
            return
        for name, value in parameters.items():
            kind = PATH_KINDS.get(name)
            if kind is None:
                continue
            if self._control is None or not await ask(self._control.sees, who.scope, kind, value):
                raise of_domain(_unknown(operation.template, kind)(value))


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _unknown(template: str, kind: ScopedKind) -> type[Unknown]:
    """Return what the operation itself raises when it finds nothing."""
    cancels = "cancelResourceOrder" in template
    return _NOT_FOUND.get(kind, UnknownCancellation if cancels else UnknownRollback)


def _kind(method: str, rule: Rule | None) -> Kind:
    if rule is not None:
        return "writes" if rule.writes else "reads"
    return "reads" if method in ("GET", "HEAD", "OPTIONS") else "writes"
