"""Site snapshots: what a site wanted and what its paths held, before and after every change.

Scoped to the site's own paths on each device, compressed and encrypted, because what devices show
holds hashes and names that are nobody's business. A snapshot's number orders all of a site's
snapshots over all its devices: "the site at snapshot N" is each device's latest one up to N.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from device_profiles.fragment import Fragment
from device_profiles.tree import Path, Tree, content_hash
from rom.store.codec import fragment_from_json, fragment_to_json, tree_from_json, tree_to_json
from rom.store.tables import snapshot


class Sealer(Protocol):
    """Encrypts and decrypts at rest."""

    def seal(self, plain: bytes) -> bytes:
        """Return ``plain`` encrypted."""

    def unseal(self, sealed: bytes) -> bytes:
        """Return what was sealed."""


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """One line of the list of snapshots."""

    number: int
    device: str
    role: str
    moment: str
    time: datetime
    order_id: str | None
    transaction: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class SiteSnapshot:
    """What a site wanted on a device, by item key, and what its paths held."""

    fragments: Mapping[str, Fragment]
    tree: Tree


def keep(
    connection: sa.Connection,
    sealer: Sealer,
    *,
    site: str,
    device: str,
    role: str,
    transaction: str,
    moment: str,
    order_id: str | None,
    content: SiteSnapshot,
) -> None:
    """Write one snapshot."""
    document = {
        "fragments": [[key, fragment_to_json(each)] for key, each in content.fragments.items()],
        "tree": tree_to_json(content.tree),
    }
    connection.execute(
        sa.insert(snapshot).values(
            site=site,
            device=device,
            role=role,
            txn=transaction,
            moment=moment,
            order_id=order_id,
            content_hash=content_hash(content.tree),
            sealed=sealer.seal(zlib.compress(json.dumps(document).encode())),
            time=sa.func.clock_timestamp(),
        )
    )


def entries(connection: sa.Connection, site: str) -> list[SnapshotEntry]:
    """Return the site's snapshots, oldest first."""
    rows = connection.execute(
        sa.select(snapshot).where(snapshot.c.site == site).order_by(snapshot.c.id)
    )
    return [
        SnapshotEntry(
            row.id,
            row.device,
            row.role,
            row.moment,
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
    row = connection.execute(
        sa.select(snapshot)
        .where(snapshot.c.site == site, snapshot.c.device == device)
        .order_by(snapshot.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _opened(sealer, row)


def first_of_order(connection: sa.Connection, site: str, order_id: str) -> int | None:
    """Return the number of the first snapshot an order made at a site, ``None`` without any."""
    number: int | None = connection.scalar(
        sa.select(sa.func.min(snapshot.c.id)).where(
            snapshot.c.site == site, snapshot.c.order_id == order_id
        )
    )
    return number


def orders_after(connection: sa.Connection, site: str, number: int) -> list[str]:
    """Return the orders whose first snapshot at the site is later than ``number``."""
    first = sa.func.min(snapshot.c.id)
    rows = connection.execute(
        sa.select(snapshot.c.order_id)
        .where(snapshot.c.site == site, snapshot.c.order_id.is_not(None))
        .group_by(snapshot.c.order_id)
        .having(first > number)
        .order_by(first)
    )
    return [row.order_id for row in rows]


def _opened(sealer: Sealer, row: sa.Row[Any]) -> SiteSnapshot:
    document = json.loads(zlib.decompress(sealer.unseal(bytes(row.sealed))))
    fragments = {key: fragment_from_json(each) for key, each in document["fragments"]}
    tree: dict[Path, str] = tree_from_json(document["tree"])
    return SiteSnapshot(fragments, tree)
