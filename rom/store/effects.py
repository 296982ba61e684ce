"""What sites have on devices, in PostgreSQL: net effects, shared objects and their owners."""

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from device_profiles.tree import SECRET_PREFIX, Path, Tree
from rom.model.effect import NetEffect, SharedState, SiteState, Writer
from rom.model.plan import SitePlan
from rom.store.codec import tree_from_json, tree_to_json
from rom.store.tables import (
    PathColumn,
    device_txn,
    effect,
    net_effect,
    shared_object,
    shared_owner,
    txn_site,
)


def site_states(
    connection: sa.Connection, device: str, wanted_roots: Mapping[str, Collection[Path]]
) -> dict[str, SiteState]:
    """Return each site's part of the ledger; ``wanted_roots`` are the shared objects it wants."""
    sites = list(wanted_roots)
    effects: dict[str, dict[Path, NetEffect]] = {site: {} for site in sites}
    for row in connection.execute(
        sa.select(net_effect).where(net_effect.c.device == device, net_effect.c.site.in_(sites))
    ):
        effects[row.site][tuple(row.path)] = NetEffect(row.before, row.intended, row.read_back)
    shared = _shared_states(connection, device)
    later = _later_writers(connection, device, sites)
    return {
        site: SiteState(
            effects[site],
            {
                root: known
                for root, known in shared.items()
                if site in known.owners or root in wanted_roots[site]
            },
            later.get(site, {}),
        )
        for site in sites
    }


def _later_writers(
    connection: sa.Connection, device: str, sites: Collection[str]
) -> dict[str, dict[Path, str]]:
    """Return by site the paths another site has written after it; the next writer, not the last.

    Writes of several sites on one leaf are a stack: whoever leaves hands his ``before`` on to the
    one directly above him.
    """
    other = net_effect.alias()
    rows = connection.execute(
        sa.select(net_effect.c.site, net_effect.c.path, other.c.site.label("writer"))
        .join(
            other,
            sa.and_(
                other.c.device == net_effect.c.device,
                other.c.path == net_effect.c.path,
                other.c.site != net_effect.c.site,
                other.c.sequence > net_effect.c.sequence,
            ),
        )
        .where(net_effect.c.device == device, net_effect.c.site.in_(sites))
        .order_by(other.c.sequence.desc())
    )
    later: dict[str, dict[Path, str]] = {}
    for row in rows:
        later.setdefault(row.site, {})[tuple(row.path)] = row.writer
    return later


def writers_after(connection: sa.Connection, device: str, site: str) -> dict[Path, Writer]:
    """Return who has written the site's paths after it, by path."""
    other = net_effect.alias()
    rows = connection.execute(
        sa.select(net_effect.c.path, other.c.site, txn_site.c.order_id, device_txn.c.finished_at)
        .join(
            other,
            sa.and_(
                other.c.device == net_effect.c.device,
                other.c.path == net_effect.c.path,
                other.c.site != net_effect.c.site,
                other.c.sequence > net_effect.c.sequence,
            ),
        )
        .join(effect, effect.c.sequence == other.c.sequence)
        .join(device_txn, device_txn.c.id == effect.c.txn)
        .join(txn_site, sa.and_(txn_site.c.txn == effect.c.txn, txn_site.c.site == other.c.site))
        .where(net_effect.c.device == device, net_effect.c.site == site)
        .order_by(other.c.sequence.desc())
    )
    return {tuple(row.path): Writer(row.site, row.order_id, row.finished_at) for row in rows}


def forget_site(connection: sa.Connection, device: str, site: str) -> None:
    """Forget what a site had on a device from which nothing is ever taken back."""
    for table in (net_effect, shared_owner):
        connection.execute(sa.delete(table).where(table.c.device == device, table.c.site == site))


def relink(
    connection: sa.Connection, device: str, site: str, stacked: Iterable[tuple[Path, str]]
) -> None:
    """Hand the site's ``before`` on to the later writers of its paths and forget its own part."""
    for path, writer in stacked:
        mine = sa.and_(
            net_effect.c.device == device,
            net_effect.c.site == site,
            net_effect.c.path == list(path),
        )
        before = sa.select(net_effect.c.before).where(mine).scalar_subquery()
        connection.execute(
            sa.update(net_effect)
            .where(
                net_effect.c.device == device,
                net_effect.c.site == writer,
                net_effect.c.path == list(path),
            )
            .values(before=before)
        )
        connection.execute(sa.delete(net_effect).where(mine))


def _shared_states(connection: sa.Connection, device: str) -> dict[Path, SharedState]:
    owners: dict[Path, set[str]] = {}
    for row in connection.execute(sa.select(shared_owner).where(shared_owner.c.device == device)):
        owners.setdefault(tuple(row.root), set()).add(row.site)
    return {
        tuple(row.root): SharedState(
            tree_from_json(row.tree), row.created_by_rom, frozenset(owners.get(tuple(row.root), ()))
        )
        for row in connection.execute(
            sa.select(shared_object).where(shared_object.c.device == device)
        )
    }


def keep_effects(
    connection: sa.Connection,
    transaction: str,
    device: str,
    site: str,
    paths: Collection[Path],
    read_back: Tree,
) -> None:
    """Carry the transaction's effects on ``paths`` into the site's net effects."""
    if not paths:
        return
    rows = connection.execute(
        sa.select(effect.c.sequence, effect.c.path).where(
            effect.c.txn == transaction, effect.c.site == site
        )
    )
    kept = {path: row.sequence for row in rows if (path := tuple(row.path)) in paths}
    if not kept:
        return
    # A site has some eighty paths: three statements for all of them, not two for each.
    numbers = sa.literal(list(kept.values()), ARRAY(sa.BigInteger))
    texts = sa.literal([read_back.get(path) for path in kept], ARRAY(sa.Text))
    shown = sa.func.unnest(numbers, texts).table_valued("number", "text").render_derived()
    connection.execute(
        sa.update(effect).where(effect.c.sequence == shown.c.number).values(read_back=shown.c.text)
    )
    carried = ("device", "site", "path", "before", "intended", "read_back", "sequence")
    statement = insert(net_effect).from_select(
        carried,
        sa.select(*(effect.c[name] for name in carried)).where(
            effect.c.sequence == sa.any_(numbers)
        ),
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[net_effect.c.device, net_effect.c.site, net_effect.c.path],
            set_={
                "intended": statement.excluded.intended,
                "read_back": statement.excluded.read_back,
                "sequence": statement.excluded.sequence,
            },
        )
    )
    connection.execute(
        sa.delete(net_effect).where(
            net_effect.c.device == device,
            net_effect.c.site == site,
            net_effect.c.before.is_not_distinct_from(net_effect.c.read_back),
            # A secret set to what it was is still the only way to know it again.
            ~sa.func.coalesce(net_effect.c.intended, "").startswith(SECRET_PREFIX),
        )
    )


def keep_claims(
    connection: sa.Connection, device: str, plan: SitePlan, created: Collection[Path]
) -> None:
    """Write the shared objects a site now owns; of all sites before any site's releases.

    ``created`` are the ones that the transaction made, whichever of its sites did.
    """
    if plan.claims:
        connection.execute(
            insert(shared_object).on_conflict_do_update(
                index_elements=[shared_object.c.device, shared_object.c.root],
                set_={"orphaned_by": None},
            ),
            [
                {
                    "device": device,
                    "root": list(item.root),
                    "tree": tree_to_json(item.tree),
                    "content_hash": item.content_hash,
                    "created_by_rom": item.root in created,
                }
                for item in plan.claims
            ],
        )
        connection.execute(
            insert(shared_owner).on_conflict_do_nothing(),
            [
                {"device": device, "root": list(item.root), "site": plan.site}
                for item in plan.claims
            ],
        )


def keep_releases(connection: sa.Connection, device: str, plan: SitePlan) -> None:
    """Write what needs no edit: shared objects left, stacked writes relinked, paths lapsed."""
    relink(connection, device, plan.site, plan.relinked)
    if plan.lapsed:
        connection.execute(
            sa.delete(net_effect).where(
                net_effect.c.device == device,
                net_effect.c.site == plan.site,
                net_effect.c.path == sa.bindparam("lapsed", type_=PathColumn),
            ),
            [{"lapsed": list(path)} for path in plan.lapsed],
        )
    for root in plan.released:
        connection.execute(
            sa.delete(shared_owner).where(
                shared_owner.c.device == device,
                shared_owner.c.root == list(root),
                shared_owner.c.site == plan.site,
            )
        )
        nobody = ~sa.exists().where(
            shared_owner.c.device == device, shared_owner.c.root == list(root)
        )
        unowned = sa.and_(
            shared_object.c.device == device, shared_object.c.root == list(root), nobody
        )
        if root in plan.orphaned:
            # Still ours: the next site that needs it owns it again, and may take it along.
            orphan = sa.update(shared_object).where(unowned).values(orphaned_by=plan.site)
            connection.execute(orphan)
        else:
            connection.execute(sa.delete(shared_object).where(unowned))


def orphans(connection: sa.Connection, device: str, site: str) -> list[Path]:
    """Return the roots of shared objects that stayed on the device when the site left them."""
    roots = connection.scalars(
        sa.select(shared_object.c.root)
        .where(shared_object.c.device == device, shared_object.c.orphaned_by == site)
        .order_by(shared_object.c.root)
    )
    return [tuple(root) for root in roots]


def paths_of(connection: sa.Connection, device: str, sites: Collection[str]) -> list[Path]:
    """Return the paths on which sites have effects on a device."""
    paths = connection.scalars(
        sa.select(net_effect.c.path)
        .where(net_effect.c.device == device, net_effect.c.site.in_(list(sites)))
        .order_by(net_effect.c.path)
    )
    return [tuple(path) for path in paths]
