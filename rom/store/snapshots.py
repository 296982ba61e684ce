"""Site snapshots: what a site wanted and what its paths held, before and after every change.

Scoped to the site's own paths on each device, compressed and encrypted, because what devices show
holds hashes and names that are nobody's business. A snapshot's number orders all of a site's
snapshots over all its devices: "the site at snapshot N" is each device's latest one up to N.
"""

import json
import zlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from device_profiles.fragment import Fragment
from device_profiles.tree import Path, Tree, content_hash
from rom.model.intent import Place
from rom.model.snapshot import Moment, Sealer, SiteSnapshot, SnapshotEntry, Taken
from rom.store.codec import fragment_from_json, fragment_to_json, tree_from_json, tree_to_json
from rom.store.tables import net_effect, site_history, snapshot


def keep(
    connection: sa.Connection,
    sealer: Sealer,
    *,
    site: str,
    device: str,
    role: str,
    transaction: str,
    moment: Moment,
    order_id: str | None,
    content: SiteSnapshot,
) -> None:
    """Write one snapshot."""
    taken = [Taken(site, role, order_id, content)]
    keep_all(connection, sealer, device=device, transaction=transaction, moment=moment, taken=taken)


def keep_all(
    connection: sa.Connection,
    sealer: Sealer,
    *,
    device: str,
    transaction: str,
    moment: Moment,
    taken: Iterable[Taken],
) -> None:
    """Write a snapshot for each site, all of one device at one moment of a transaction."""
    rows = [
        {
            "site": each.site,
            "device": device,
            "role": each.role,
            "txn": transaction,
            "moment": moment,
            "order_id": each.order_id,
            "content_hash": content_hash(each.content.tree),
            "sealed": _sealed(sealer, each.content),
        }
        for each in taken
    ]
    if rows:
        connection.execute(sa.insert(snapshot).values(time=sa.func.clock_timestamp()), rows)


def keep_plan(
    connection: sa.Connection,
    sealer: Sealer,
    *,
    site: str,
    device: str,
    role: str,
    fragments: Mapping[str, Fragment],
) -> None:
    """Write what a site is to have on a device from now on, though nothing is sent yet.

    Whatever goes back to here or later goes back to this, and not to what was rendered before.
    """
    known = latest(connection, sealer, site, device)
    content = SiteSnapshot(fragments, known.tree if known else {})
    row = {
        "site": site,
        "device": device,
        "role": role,
        "moment": Moment.PLANNED,
        "content_hash": content_hash(content.tree),
        "sealed": _sealed(sealer, content),
    }
    connection.execute(sa.insert(snapshot).values(**row, time=sa.func.clock_timestamp()))


def _sealed(sealer: Sealer, content: SiteSnapshot) -> bytes:
    document = {
        "fragments": [[key, fragment_to_json(each)] for key, each in content.fragments.items()],
        "tree": tree_to_json(content.tree),
    }
    return sealer.seal(zlib.compress(json.dumps(document).encode()))


def by_site(tree: Tree, scopes: Mapping[str, Collection[Path]]) -> dict[str, dict[Path, str]]:
    """Return what ``in_scope`` tells for each site, in one pass over the tree for all of them."""
    owners: dict[Path, list[str]] = {}
    for site, scope in scopes.items():
        for root in scope:
            owners.setdefault(root, []).append(site)
    lengths = sorted({len(root) for root in owners})
    parts: dict[str, dict[Path, str]] = {site: {} for site in scopes}
    for path, value in tree.items():
        for length in lengths:
            for site in owners.get(path[:length], ()):
                parts[site][path] = value
    for part in parts.values():
        above = {path[:length] for path in part for length in range(1, len(path))}
        part.update((path, tree[path]) for path in above if path in tree)
    return parts


def entries(connection: sa.Connection, site: str) -> list[SnapshotEntry]:
    """Return the site's snapshots as far as its history is kept, oldest first."""
    kept_from = sa.select(site_history.c.kept_from).where(site_history.c.site == site)
    rows = connection.execute(
        sa.select(*(column for column in snapshot.columns if column is not snapshot.c.sealed))
        .where(snapshot.c.site == site)
        .where(snapshot.c.id >= sa.func.coalesce(kept_from.scalar_subquery(), 0))
        .order_by(snapshot.c.id)
    )
    return [
        SnapshotEntry(
            row.id,
            row.device,
            row.role,
            Moment(row.moment),
            row.time,
            row.order_id,
            row.txn,
            row.content_hash,
        )
        for row in rows
    ]


def site_at(
    connection: sa.Connection, sealer: Sealer, site: str, number: int
) -> dict[str, SiteSnapshot]:
    """Return the site by device as it was at a snapshot; a device it had not reached is absent."""
    latest = (
        sa.select(sa.func.max(snapshot.c.id))
        .where(snapshot.c.site == site, snapshot.c.id <= number)
        .group_by(snapshot.c.device)
    )
    rows = connection.execute(sa.select(snapshot).where(snapshot.c.id.in_(latest)))
    return {row.device: _opened(sealer, row) for row in rows}


def latest(
    connection: sa.Connection, sealer: Sealer, site: str, device: str
) -> SiteSnapshot | None:
    """Return the site's newest snapshot on a device, ``None`` before its first change there."""
    return latest_of_sites(connection, sealer, [site], device).get(site)


def latest_of_sites(
    connection: sa.Connection, sealer: Sealer, sites: Collection[str], device: str
) -> dict[str, SiteSnapshot]:
    """Return each site's newest snapshot on a device; a site before its first change is absent."""
    newest = (
        sa.select(sa.func.max(snapshot.c.id))
        .where(snapshot.c.site.in_(sites), snapshot.c.device == device)
        .group_by(snapshot.c.site)
    )
    rows = connection.execute(sa.select(snapshot).where(snapshot.c.id.in_(newest)))
    return {row.site: _opened(sealer, row) for row in rows}


def first_of_order(connection: sa.Connection, site: str, order_id: str) -> int | None:
    """Return the number of the first snapshot an order made at a site, ``None`` without any."""
    number: int | None = connection.scalar(
        sa.select(sa.func.min(snapshot.c.id)).where(
            snapshot.c.site == site, snapshot.c.order_id == order_id
        )
    )
    return number


def first_of(connection: sa.Connection, site: str, transactions: Collection[str]) -> int | None:
    """Return the number of a site's first snapshot by these transactions, ``None`` without any."""
    number: int | None = connection.scalar(
        sa.select(sa.func.min(snapshot.c.id)).where(
            snapshot.c.site == site, snapshot.c.txn.in_(list(transactions))
        )
    )
    return number


def others_since(
    connection: sa.Connection, site: str, number: int, transactions: Collection[str]
) -> bool:
    """Tell whether anything but these transactions has changed the site after a snapshot."""
    return bool(
        connection.scalar(
            sa.select(
                sa.exists().where(
                    snapshot.c.site == site,
                    snapshot.c.id > number,
                    snapshot.c.moment == Moment.AFTER,
                    snapshot.c.txn.not_in(list(transactions)),
                )
            )
        )
    )


def left_over(connection: sa.Connection, site: str) -> list[Place]:
    """Return the devices on which the site has effects, with the role they had for it last."""
    ours = sa.exists().where(
        net_effect.c.device == snapshot.c.device, net_effect.c.site == snapshot.c.site
    )
    rows = connection.execute(
        sa.select(snapshot.c.device, snapshot.c.role)
        .where(snapshot.c.site == site, ours)
        .order_by(snapshot.c.id)
    )
    latest = {row.device: row.role for row in rows}
    return [Place(device, role) for device, role in latest.items()]


def hashes(connection: sa.Connection, site: str, transaction: str | None) -> dict[Moment, str]:
    """Return the hashes of what the site's paths held before and after a transaction."""
    rows = connection.execute(
        sa.select(snapshot.c.moment, snapshot.c.content_hash).where(
            snapshot.c.txn == transaction, snapshot.c.site == site
        )
    )
    return {Moment(row.moment): row.content_hash for row in rows}


def _opened(sealer: Sealer, row: sa.Row[Any]) -> SiteSnapshot:
    document = json.loads(zlib.decompress(sealer.unseal(bytes(row.sealed))))
    fragments = {key: fragment_from_json(each) for key, each in document["fragments"]}
    tree: dict[Path, str] = tree_from_json(document["tree"])
    return SiteSnapshot(fragments, tree)
