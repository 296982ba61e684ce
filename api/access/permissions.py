"""Who may use which operation: one table, and whatever is not in it does not start.

A route that nobody has thought about must not be open by accident, so ``rules_of`` refuses an
application with one. How to add a route: give it a line here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import HTTPConnection
from starlette.routing import Match
from starlette.types import Scope as AsgiScope

from api.access.bearer import forbidden
from api.access.principal import Role, principal
from rom.model.access import ScopedKind


class Reach(Enum):
    """How an operation keeps the limits of a client that has any."""

    REFUSED = auto()
    """It does not: only clients without limits may use it."""
    PATH = auto()
    """What it concerns is named in the path, and looked at before the operation begins."""
    QUERY = auto()
    """Its queries leave out what lies outside, by ``rom.model.access.current_scope``."""
    NOTHING = auto()
    """It shows and changes nothing that belongs to a site."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use an operation; ``roles`` is ``None`` where no token is asked for."""

    roles: frozenset[Role] | None
    reach: Reach = Reach.REFUSED
    writes: bool = False
    boots: bool = False
    """Asked by routers before anything is known of them, so that an address may ask so often."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route of the application with its rule."""

    method: str
    template: str
    rule: Rule
    route: Any  # FastAPI's view of an included route has no type of its own


PATH_KINDS: Mapping[str, ScopedKind] = {
    "order_id": ScopedKind.ORDER,
    "site": ScopedKind.SITE,
    "task_id": ScopedKind.TASK,
    "cancel_id": ScopedKind.TASK,
    "resource_id": ScopedKind.RESOURCE,
}
"""Path parameters that name something limited."""

_ALL = frozenset(Role)
_STAFF = frozenset({Role.NOC, Role.APPROVER, Role.ADMIN, Role.READER})
_ORDERING = frozenset({Role.SOM, Role.ADMIN})
_ORDER_CARE = frozenset({Role.SOM, Role.NOC, Role.ADMIN})
_OPERATING = frozenset({Role.NOC, Role.ADMIN})
_ROLLING_BACK = frozenset({Role.NOC, Role.APPROVER, Role.ADMIN})
_SCRAPING = frozenset({Role.NOC, Role.ADMIN, Role.READER})
_ADMIN = frozenset({Role.ADMIN})
FORCING = frozenset({Role.APPROVER, Role.ADMIN})
"""Who may force a rollback over what somebody else has changed: not the one who operates."""

_ADVICE = "Ask with another token"
OPEN = Rule(None, Reach.NOTHING)
BOOT = Rule(None, Reach.NOTHING, boots=True)
_Table = dict[tuple[str, str], Rule]
Permissions = Mapping[tuple[str, str], Rule]
"""Rules by method and route template."""


def _ordering(base: str) -> _Table:
    orders, cancels, hub = f"{base}/resourceOrder", f"{base}/cancelResourceOrder", f"{base}/hub"
    return {
        ("GET", orders): Rule(_ALL, Reach.QUERY),
        ("POST", orders): Rule(_ORDERING, Reach.QUERY, writes=True),
        ("GET", f"{orders}/{{order_id}}"): Rule(_ALL, Reach.PATH),
        ("PATCH", f"{orders}/{{order_id}}"): Rule(_ORDERING, Reach.PATH, writes=True),
        ("DELETE", f"{orders}/{{order_id}}"): Rule(_ORDERING, Reach.PATH, writes=True),
        ("GET", cancels): Rule(_ALL, Reach.QUERY),
        ("POST", cancels): Rule(_ORDER_CARE, Reach.QUERY, writes=True),
        ("GET", f"{cancels}/{{cancel_id}}"): Rule(_ALL, Reach.PATH),
        **_hub(hub),
    }


def _hub(hub: str) -> _Table:
    """A client hears of what it may see, and takes off only listeners of its own."""
    return {
        ("POST", hub): Rule(_ORDER_CARE, Reach.QUERY, writes=True),
        ("DELETE", f"{hub}/{{hub_id}}"): Rule(_ORDER_CARE, Reach.QUERY, writes=True),
    }


def _inventory(base: str) -> _Table:
    one = f"{base}/resource/{{resource_id}}"
    return {
        ("GET", f"{base}/resource"): Rule(_ALL, Reach.QUERY),
        ("GET", one): Rule(_ALL, Reach.PATH),
        ("PATCH", one): Rule(_OPERATING, Reach.PATH, writes=True),
        **_hub(f"{base}/hub"),
    }


def _catalog(base: str) -> _Table:
    every = f"{base}/resourceSpecification"
    one = f"{every}/{{specification_id}}"
    return {
        ("GET", every): Rule(_ALL, Reach.NOTHING),
        ("GET", one): Rule(_ALL, Reach.NOTHING),
        ("POST", every): Rule(_ADMIN, writes=True),
        ("PATCH", one): Rule(_ADMIN, writes=True),
        ("DELETE", one): Rule(_ADMIN, writes=True),
        **_hub(f"{base}/hub"),
    }


def _own(base: str) -> _Table:
    order, site, task = (
        f"{base}/orders/{{order_id}}", f"{base}/sites/{{site}}", f"{base}/siteRollback/{{task_id}}"
    )  # fmt: skip
    return {
        ("GET", f"{order}/report"): Rule(_ALL, Reach.PATH),
        ("GET", f"{order}/events"): Rule(_ALL, Reach.PATH),
        ("POST", f"{order}/retry"): Rule(_OPERATING, Reach.PATH, writes=True),
        **{
            ("POST", f"{order}/items/{{item_id}}/{what}"): Rule(_OPERATING, Reach.PATH, writes=True)
            for what in ("retry", "complete", "cancel")
        },
        ("POST", f"{order}/devices/{{device:path}}/giveUp"): Rule(
            _OPERATING, Reach.PATH, writes=True
        ),
        ("POST", f"{site}/reapply"): Rule(_OPERATING, Reach.PATH, writes=True),
        ("POST", f"{site}/repair"): Rule(_OPERATING, Reach.PATH, writes=True),
        ("POST", f"{site}/rotateSecret"): Rule(_OPERATING, Reach.PATH, writes=True),
        ("GET", f"{site}/rollbackPreview"): Rule(_STAFF, Reach.PATH),
        ("GET", f"{site}/snapshots"): Rule(_STAFF, Reach.PATH),
        ("GET", f"{site}/diff"): Rule(_STAFF, Reach.PATH),
        ("POST", f"{base}/siteRollback"): Rule(_ROLLING_BACK, Reach.QUERY, writes=True),
        ("GET", task): Rule(_STAFF, Reach.PATH),
        ("GET", f"{task}/events"): Rule(_STAFF, Reach.PATH),
        ("GET", f"{base}/devices"): Rule(_STAFF),
        ("POST", f"{base}/devices"): Rule(_ADMIN, writes=True),
        ("POST", f"{base}/devices/{{device:path}}/test"): Rule(_OPERATING, writes=True),
        ("POST", f"{base}/devices/{{device:path}}/trust"): Rule(_ADMIN, writes=True),
        ("POST", f"{base}/deviceCheck"): Rule(_OPERATING, writes=True),
        ("GET", f"{base}/secrets"): Rule(_OPERATING),
        ("PUT", f"{base}/secrets/{{name:path}}"): Rule(_ADMIN, writes=True),
        ("POST", f"{base}/secrets/{{name:path}}/rotate"): Rule(_ADMIN, writes=True),
        ("DELETE", f"{base}/secrets/{{name:path}}"): Rule(_ADMIN, writes=True),
        ("GET", f"{base}/pools"): Rule(_STAFF),
        ("GET", f"{base}/inventory"): Rule(_ADMIN),
        ("POST", f"{base}/inventory"): Rule(_ADMIN, writes=True),
    }


def _events(base: str) -> _Table:
    letters, hub = f"{base}/deadLetters", f"{base}/hub"
    return {
        ("GET", hub): Rule(_OPERATING),
        ("POST", hub): Rule(_OPERATING, writes=True),
        ("GET", f"{hub}/{{hub_id}}"): Rule(_OPERATING),
        ("DELETE", f"{hub}/{{hub_id}}"): Rule(_OPERATING, writes=True),
        ("GET", letters): Rule(_OPERATING),
        ("GET", f"{letters}/{{letter_id}}"): Rule(_OPERATING),
        ("POST", f"{letters}/replay"): Rule(_OPERATING, writes=True),
        ("GET", f"{base}/events/stream"): Rule(_ALL, Reach.QUERY),
    }


def _trail(base: str) -> _Table:
    audit = f"{base}/audit"
    return {
        ("GET", audit): Rule(_STAFF),
        ("GET", f"{audit}/verification"): Rule(_STAFF),
        ("GET", f"{audit}/export"): Rule(_STAFF),
        ("GET", f"{audit}/{{place}}"): Rule(_STAFF),
    }


def _ztp() -> _Table:
    base = "/ztp/v1/{token}"
    places = ("ztp.py", "config/{serial}", "sha512/{serial}", "exec/{serial}")
    return {
        **{(method, f"{base}/{place}"): BOOT for place in places for method in ("GET", "HEAD")},
        ("GET", f"{base}/event/{{serial}}/{{name}}"): BOOT,
    }


def declared() -> dict[tuple[str, str], Rule]:
    """Return the rule of every operation there is, by method and route template."""
    return {
        **_ordering("/tmf-api/resourceOrdering/v4"),
        **_ordering("/tmf-api/resourceOrderingManagement/v4"),
        **_inventory("/tmf-api/resourceInventoryManagement/v4"),
        **_catalog("/tmf-api/resourceCatalog/v4"),
        **_catalog("/tmf-api/resourceCatalogManagement/v4"),
        **_own("/rom/v1"),
        **_events("/rom/v1"),
        **_trail("/rom/v1"),
        **_ztp(),
        ("GET", "/healthz"): OPEN,
        ("GET", "/livez"): OPEN,
        ("GET", "/readyz"): OPEN,
        ("GET", "/metrics"): Rule(_SCRAPING),
        ("GET", "/openapi.json"): Rule(_ALL, Reach.NOTHING),
    }


PERMISSIONS: Permissions = declared()


def require(request: HTTPConnection, roles: frozenset[Role], subject: str) -> None:
    """Raise ``ApiError`` (403) unless the client has one of ``roles``; for parts of an operation.

    ``subject`` is the member of the request that needs the role.
    """
    if principal(request).roles.isdisjoint(roles):
        raise forbidden(f"{subject}: needs one of {', '.join(sorted(roles))}", _ADVICE)


class UndeclaredRoute(Exception):
    """The application has a route that the table of permissions does not know."""


def rules_of(app: FastAPI, permissions: Permissions = PERMISSIONS) -> "Operations":
    """Return the operations of ``app``; raises ``UndeclaredRoute`` when one has no rule."""
    return Operations(tuple(_operations(app, permissions)))


def _operations(app: FastAPI, permissions: Permissions) -> Iterator[Operation]:
    for route in iter_route_contexts(app.routes):
        template = route.path or "?"
        # HEAD is GET without the body; a mounted application has no methods and so no rule.
        for method in sorted((route.methods or {"*"}) - {"HEAD"}):
            rule = permissions.get((method, template))
            if rule is None:
                message = f"{method} {template} has no line in api/access/permissions.py"
                raise UndeclaredRoute(message)
            if rule.reach is Reach.PATH and not any(f"{{{p}}}" in template for p in PATH_KINDS):
                message = f"{method} {template} names nothing that limits could be checked for"
                raise UndeclaredRoute(message)
            yield Operation(method, template, rule, route)


@dataclass(frozen=True, slots=True)
class Found:
    """Which operation a request means, and the parameters of its path."""

    operation: Operation | None
    parameters: Mapping[str, str]
    allowed: frozenset[str]
    """Methods the path knows, when it does not know the request's."""


class Operations:
    """The operations of one application, in the order in which it looks for them itself."""

    def __init__(self, known: tuple[Operation, ...]) -> None:
        self._known = known

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._known)

    def find(self, scope: AsgiScope) -> Found:
        """Return what the request of ``scope`` means; no operation where nothing is served."""
        allowed: set[str] = set()
        wanted = "GET" if scope["method"] == "HEAD" else scope["method"]
        for operation in self._known:
            match, child = operation.route.matches(scope)
            if match is Match.NONE:
                continue
            if match is Match.FULL and operation.method == wanted:
                return Found(operation, child["path_params"], frozenset())
            allowed |= operation.route.methods or set()
        return Found(None, {}, frozenset(allowed))
