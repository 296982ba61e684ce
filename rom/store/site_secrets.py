"""Which value of each site's secret is in force, and the names by which intents mean it.

A site's secret is named ``kind/site``, each later value of it ``kind/site/generation``. Whatever
name a stored intent has, it is read with that of the value in force: so a new value is a change
of the intent, and no way back leads to a former one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from device_profiles.fragment import Fragment
from device_profiles.tree import SECRET_PREFIX, Tree
from rom.store.tables import net_effect, site_secret

FIRST = 1
"""The generation that is derived and never was replaced."""


@dataclass(frozen=True, slots=True)
class SiteSecret:
    """The value in force, and the one that devices may still hold, by generation."""

    name: str
    site: str
    generation: int
    former: int | None

    @property
    def reference(self) -> str:
        """The name of the value in force."""
        return of_generation(self.name, self.generation)


def of_generation(name: str, generation: int) -> str:
    """Return the name of one value of a secret."""
    return name if generation == FIRST else f"{name}/{generation}"


def base_of(name: str) -> str:
    """Return the name without a generation."""
    return "/".join(name.split("/")[:2])


def find(connection: sa.Connection, name: str, *, lock: bool = False) -> SiteSecret | None:
    """Return what is known of a secret that has been replaced, ``None`` for any other."""
    query = sa.select(site_secret).where(site_secret.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _of(row)


def replace_value(connection: sa.Connection, name: str, site: str) -> SiteSecret:
    """Put the next generation of a secret in force; the present one becomes the former."""
    known = find(connection, name, lock=True)
    before = FIRST if known is None else known.generation
    values = {"generation": before + 1, "former": before, "since": sa.func.clock_timestamp()}
    statement = insert(site_secret).values(name=name, site=site, **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=[site_secret.c.name], set_=values)
    )
    return SiteSecret(name, site, before + 1, before)


def drop_former(connection: sa.Connection, name: str) -> None:
    """Note that no device holds the former value any more."""
    connection.execute(sa.update(site_secret).where(site_secret.c.name == name).values(former=None))


def being_replaced(connection: sa.Connection, site: str | None = None) -> list[SiteSecret]:
    """Return the secrets, of a site or of all, that devices may still hold a former value of."""
    query = sa.select(site_secret).where(site_secret.c.former.is_not(None))
    if site is not None:
        query = query.where(site_secret.c.site == site)
    return [_of(row) for row in connection.execute(query.order_by(site_secret.c.name))]


def in_force(connection: sa.Connection, sites: Collection[str]) -> dict[str, dict[str, SiteSecret]]:
    """Return by site and name the secrets that have been replaced at least once."""
    query = sa.select(site_secret).where(site_secret.c.site.in_(list(sites)))
    found: dict[str, dict[str, SiteSecret]] = {}
    for row in connection.execute(query):
        found.setdefault(row.site, {})[row.name] = _of(row)
    return found


def renamed(
    fragments: Mapping[str, Fragment], replaced: Mapping[str, SiteSecret]
) -> dict[str, Fragment]:
    """Return fragments with the names of the values in force."""
    if not replaced:
        return dict(fragments)
    return {
        key: Fragment(
            _tree(fragment.own, replaced),
            tuple(replace(item, tree=_tree(item.tree, replaced)) for item in fragment.shared),
        )
        for key, fragment in fragments.items()
    }


def held(connection: sa.Connection, site: str, device: str | None = None) -> dict[str, set[str]]:
    """Return by device the names of the site's secrets that were written there and are there."""
    query = sa.select(net_effect.c.device, net_effect.c.intended).where(
        net_effect.c.site == site, net_effect.c.intended.startswith(SECRET_PREFIX)
    )
    if device is not None:
        query = query.where(net_effect.c.device == device)
    found: dict[str, set[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.device, set()).add(row.intended.removeprefix(SECRET_PREFIX))
    return found


def _tree(tree: Tree, replaced: Mapping[str, SiteSecret]) -> Tree:
    return {path: _value(value, replaced) for path, value in tree.items()}


def _value(value: str, replaced: Mapping[str, SiteSecret]) -> str:
    if not value.startswith(SECRET_PREFIX):
        return value
    known = replaced.get(base_of(value.removeprefix(SECRET_PREFIX)))
    return value if known is None else f"{SECRET_PREFIX}{known.reference}"


def _of(row: sa.Row[tuple[object, ...]]) -> SiteSecret:
    return SiteSecret(row.name, row.site, row.generation, row.former)
