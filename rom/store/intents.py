"""Site intents: what each site must have on each device, one fragment for each item's key."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from device_profiles.fragment import Fragment, merged
from rom.model.intent import Intent, Place
from rom.store import site_secrets
from rom.store.codec import fragment_from_json, fragment_to_json
from rom.store.tables import net_effect, site_intent

_MEANS_SOMETHING = sa.or_(
    sa.func.jsonb_array_length(site_intent.c.fragments) > 0,
    sa.exists().where(
        net_effect.c.device == site_intent.c.device, net_effect.c.site == site_intent.c.site
    ),
)
"""An intent that wants something, or has left something behind."""


def keep(
    connection: sa.Connection,
    *,
    device: str,
    site: str,
    role: str,
    fragments: Mapping[str, Fragment],
) -> None:
    """Write the site's whole intent on a device as a new version; order of keys is kept."""
    document = [[key, fragment_to_json(fragment)] for key, fragment in fragments.items()]
    statement = insert(site_intent).values(
        device=device, site=site, role=role, version=1, fragments=document
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[site_intent.c.device, site_intent.c.site],
            set_={
                "fragments": document,
                "version": site_intent.c.version + 1,
                "updated_at": sa.func.clock_timestamp(),
            },
        )
    )


def fragments(connection: sa.Connection, device: str, site: str) -> dict[str, Fragment]:
    """Return the site's fragments on a device by item key; empty when it has none.

    Secrets in them have the names of the values in force.
    """
    rows: list[Any] = connection.scalar(
        sa.select(site_intent.c.fragments).where(
            site_intent.c.device == device, site_intent.c.site == site
        )
    ) or []  # fmt: skip
    found = {key: fragment_from_json(document) for key, document in rows}
    replaced = site_secrets.in_force(connection, [site]) if found else {}
    return site_secrets.renamed(found, replaced.get(site, {}))


def of_sites(connection: sa.Connection, device: str, sites: Collection[str]) -> dict[str, Intent]:
    """Return the sites' intents on a device; an empty one for a site that has none."""
    rows = connection.execute(
        sa.select(site_intent).where(
            site_intent.c.device == device, site_intent.c.site.in_(list(sites))
        )
    )
    replaced = site_secrets.in_force(connection, sites)
    found = {
        row.site: Intent(
            row.role,
            site_secrets.renamed(
                {key: fragment_from_json(each) for key, each in row.fragments},
                replaced.get(row.site, {}),
            ),
        )
        for row in rows
    }
    return {site: found.get(site, Intent("", {})) for site in sites}


def neighbours(
    connection: sa.Connection, device: str, sites: Collection[str], limit: int
) -> list[str]:
    """Return up to ``limit`` other sites that have something on the device."""
    return list(
        connection.scalars(
            sa.select(site_intent.c.site)
            .where(site_intent.c.device == device, site_intent.c.site.not_in(list(sites)))
            .order_by(site_intent.c.updated_at.desc())
            .limit(limit)
        )
    )


def drop_empty(connection: sa.Connection, site: str) -> None:
    """Forget the site's intents that want nothing any more and have left nothing behind."""
    connection.execute(sa.delete(site_intent).where(site_intent.c.site == site, ~_MEANS_SOMETHING))


def wanted(connection: sa.Connection, device: str, site: str) -> Fragment:
    """Return the site's intent on a device as one fragment; empty when it has none."""
    return merged(fragments(connection, device, site))


def devices_of_site(connection: sa.Connection, site: str) -> list[Place]:
    """Return every device the site has an intent on, with its role."""
    rows = connection.execute(
        sa.select(site_intent.c.device, site_intent.c.role)
        .where(site_intent.c.site == site)
        .order_by(site_intent.c.updated_at, site_intent.c.device)
    )
    return [Place(row.device, row.role) for row in rows]


def sites_by_device(
    connection: sa.Connection,
    devices: Collection[str] | None = None,
    *,
    only: str | None = None,
) -> dict[str, list[str]]:
    """Return the sites with an intent on each of the devices, or on all; or of one site only.

    Also with one that wants nothing any more, as long as something of the site is there.
    """
    query = (
        sa.select(site_intent.c.device, site_intent.c.site)
        .where(_MEANS_SOMETHING)
        .order_by(site_intent.c.device, site_intent.c.site)
    )
    if devices is not None:
        query = query.where(site_intent.c.device.in_(list(devices)))
    if only is not None:
        query = query.where(site_intent.c.site == only)
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.device, []).append(row.site)
    return found


def roles(connection: sa.Connection) -> dict[str, str]:
    """Return the role in which each device serves its sites."""
    rows = connection.execute(
        sa.select(site_intent.c.device, sa.func.min(site_intent.c.role).label("role")).group_by(
            site_intent.c.device
        )
    )
    return {row.device: row.role for row in rows}
