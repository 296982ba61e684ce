"""Rights of listeners: whose token lets them listen now, and to what.

A listener that was registered with a token of the gateway's own lives as long as its owner has one
in force, with the limits of the newest of them. An issuer's client is known by what it showed
last. What an open lab has registered ends with the first token.
"""

import sqlalchemy as sa

from rom.model.access import Scope
from rom.store.access_tables import access_token
from rom.store.event_tables import hub_subscription
from rom.store.scope import limit_column

_hub, _token = hub_subscription.c, access_token.c
_expiry = _token.expires_at
_in_force = sa.and_(
    _token.revoked_at.is_(None), sa.or_(_expiry.is_(None), _expiry > sa.func.clock_timestamp())
)

NEWEST = (
    sa.select(_token.id, _token.customers, _token.sites)
    .where(_token.name == _hub.owner, _in_force)
    .order_by(_token.created_at.desc(), _token.id)
    .limit(1)
    .correlate(hub_subscription)
    .lateral("newest_token")
)
"""The token that decides for a listener, if it has one."""


def may_listen() -> sa.ColumnElement[bool]:
    """Return the condition that a listener may be sent anything now."""
    has_token = sa.exists().where(_token.name == _hub.owner, _in_force)
    no_token_yet = ~sa.exists().select_from(access_token.alias("any_token"))
    return sa.case((_hub.by_token, has_token), (_hub.owner == "", no_token_yet), else_=sa.true())


def remove_lapsed(connection: sa.Connection) -> int:
    """Remove listeners that may listen no more, with all that waits for them; return how many."""
    return connection.execute(sa.delete(hub_subscription).where(~may_listen())).rowcount


def note_limits(connection: sa.Connection, owner: str, scope: Scope) -> int:
    """Write what an issuer's client is limited to now into its listeners; return how many."""
    limits = {"customers": limit_column(scope.customers), "sites": limit_column(scope.sites)}
    return connection.execute(
        sa.update(hub_subscription)
        .where(_hub.owner == owner, ~_hub.by_token)
        .where(sa.or_(*(_hub[name].is_distinct_from(value) for name, value in limits.items())))
        .values(limits)
    ).rowcount
