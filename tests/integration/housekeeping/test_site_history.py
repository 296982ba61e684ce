"""What is kept of a site's history is what a rollback may still need."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.fragment import Fragment
from rom.events.upkeep import prune
from rom.housekeeping.housekeeping import Housekeeping
from rom.housekeeping.site_history import forget
from rom.model.errors import TargetGone, UnknownTarget
from rom.model.order import Action
from rom.model.snapshot import Moment, SiteSnapshot
from rom.store import retention, snapshots
from rom.store.database import Engine, make_engine
from rom.store.embedded import EmbeddedPostgres
from rom.store.tables import (
    change,
    device_txn,
    effect,
    net_effect,
    order_item,
    resource_order,
    rollback_task,
    snapshot,
    step_log,
    txn_site,
)
from rom.undo.standing import history_of
from rom.undo.target import at_number, resolve
from tests.databases import fresh_database

SITE = "ENT-1"
DEVICES = ("OLT", "BNG", "CE")
EVERYTHING = timedelta(days=10_000)


class Plain:
    """Seals nothing: what is tested is what is kept."""

    def seal(self, plain: bytes) -> bytes:
        return plain

    def unseal(self, sealed: bytes) -> bytes:
        return sealed


class Archive:
    """Writes orders with their transactions, snapshots and effects, as the ledger leaves them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._count = 0
        with engine.begin() as connection:
            for table in (
                "resource_order", "device_txn", "net_effect", "site_history", "rollback_task",
                "change", "verdict", "posted_order",
            ):  # fmt: skip
                connection.execute(sa.text(f'TRUNCATE "{table}" CASCADE'))

    def order(
        self, *devices: str, action: Action = Action.MODIFY, state: str = "completed",
        site: str = SITE,
    ) -> str:  # fmt: skip
        self._count += 1
        name = f"RO-{self._count}"
        now = sa.func.clock_timestamp()
        with self.engine.begin() as connection:
            connection.execute(
                sa.insert(resource_order).values(
                    id=name, document={}, state=state, customer="C", requester="som",
                    created_at=now,
                )
            )  # fmt: skip
            for device in devices:
                self._transaction(connection, name, device, site)
            connection.execute(
                sa.insert(order_item).values(
                    order_id=name, item_id="I", position=0, action=action, specification="RFS:X",
                    version="1.0", key="x", site=site, characteristics={}, depends_on=[],
                    state=state, step="done", updated_at=now,
                )
            )  # fmt: skip
            for step in ("assessing", "reserved", "done"):
                connection.execute(
                    sa.insert(step_log).values(order_id=name, item_id="I", step=step, state=state)
                )
        return name

    def _transaction(
        self, connection: sa.Connection, order: str | None, device: str, site: str
    ) -> None:
        self._count += 1
        txn = f"t{self._count}"
        now = sa.func.clock_timestamp()
        connection.execute(
            sa.insert(device_txn).values(
                id=txn, device=device, kind="apply", state="committed", epoch=1, started_at=now,
                finished_at=now,
            )
        )  # fmt: skip
        connection.execute(
            sa.insert(txn_site).values(
                txn=txn, site=site, order_id=order, outcome="applied", plan={}
            )
        )
        number = connection.scalar(
            sa.insert(effect)
            .values(txn=txn, device=device, site=site, path=["leaf"], intended=txn)
            .returning(effect.c.sequence)
        )
        connection.execute(
            sa.delete(net_effect).where(net_effect.c.device == device, net_effect.c.site == site)
        )
        connection.execute(
            sa.insert(net_effect).values(
                device=device, site=site, path=["leaf"], intended=txn, sequence=number
            )
        )
        connection.execute(
            sa.insert(change).values(
                device=device, site=site, kind="apply", order_id=order, item_id="I", state="done",
                transaction=txn, finished_at=now,
            )
        )  # fmt: skip
        for moment in (Moment.BEFORE, Moment.AFTER):
            snapshots.keep(
                connection, Plain(), site=site, device=device, role="access", transaction=txn,
                moment=moment, order_id=order,
                content=SiteSnapshot({"x": Fragment({("leaf",): f"{txn} {moment}"})}, {}),
            )  # fmt: skip

    def rolled_back(
        self, *orders: str, devices: tuple[str, ...] = (), finished: bool = True
    ) -> None:
        self._count += 1
        with self.engine.begin() as connection:
            began = connection.scalar(sa.select(sa.func.clock_timestamp()))
            for device in devices:
                self._transaction(connection, None, device, SITE)
            connection.execute(
                sa.insert(rollback_task).values(
                    id=f"RB-{self._count}", site=SITE, target={"number": 0, "orders": list(orders)},
                    policy="refuse", reason="", requester="", preview={}, result={},
                    created_at=began, state="done" if finished else "inProgress",
                    finished_at=sa.func.clock_timestamp() if finished else None,
                )
            )  # fmt: skip

    def boundaries(self) -> list[int]:
        with self.engine.connect() as connection:
            known = history_of(connection, SITE)
            return [number for number in known.numbers if known.is_boundary(number)]

    def present(self) -> object:
        with self.engine.connect() as connection:
            return at_number(connection, Plain(), SITE, 2**62)

    def target(self, **asked: object) -> tuple[object, tuple[str, ...]]:
        with self.engine.connect() as connection:
            found = resolve(connection, Plain(), SITE, **asked)  # type: ignore[arg-type] # to, before
            return found.fragments, found.orders

    def targets(self) -> dict[int, object]:
        """Everything that a rollback may lead to, with what it would bring and take back."""
        found: dict[int, object] = {}
        for number in (0, *self.boundaries()):
            try:
                found[number] = self.target(to=number)
            except TargetGone:
                continue
        return found

    def count(self, table: sa.Table) -> int:
        with self.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    def tidy(self, days: float = 0, orders: int = 2) -> dict[str, int]:
        with self.engine.begin() as connection:
            connection.execute(sa.text("UPDATE site_history SET looked_at = 'epoch'"))
        return Housekeeping(self.engine, days, orders).tidy()


@pytest.fixture(scope="module")
def engine(postgres_server: EmbeddedPostgres) -> Iterator[Engine]:
    with fresh_database(postgres_server) as url:
        made = make_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def archive(engine: Engine) -> Archive:
    return Archive(engine)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.lists(st.sampled_from(DEVICES), max_size=3)),
        st.tuples(st.just("delete"), st.lists(st.sampled_from(DEVICES), max_size=1)),
        st.tuples(st.just("back"), st.lists(st.sampled_from(DEVICES), max_size=2)),
    ),
    max_size=7,
)


@settings(max_examples=40)
@given(steps=STEPS, most=st.integers(1, 4))
def test_the_latest_targets_bring_what_they_brought_and_none_is_another_one(
    engine: Engine, steps: list[tuple[str, list[str]]], most: int
) -> None:
    archive = Archive(engine)
    last = None
    for kind, devices in steps:
        if kind == "back":
            archive.rolled_back(*([last] if last else []), devices=tuple(devices))
        else:
            action = Action.DELETE if kind == "delete" else Action.MODIFY
            last = archive.order(*devices, action=action)
    before, present = archive.targets(), archive.present()
    archive.tidy(orders=most)
    after = archive.targets()
    assert all(after[number] == before[number] for number in after)
    wanted = sorted(set(before) - {0})[-most:]
    assert set(wanted) <= set(after)
    assert 0 in after
    assert archive.present() == present
    kept = archive.count(snapshot)
    assert archive.tidy(orders=most)["snapshots"] == 0
    assert archive.count(snapshot) == kept


def test_a_site_that_is_changed_for_ever_keeps_as_much_as_at_the_beginning(
    archive: Archive,
) -> None:
    counts = []
    for _ in range(4):
        for _ in range(5):
            archive.order(*DEVICES)
        archive.tidy(orders=2)
        counts.append([archive.count(t) for t in (snapshot, device_txn, effect, change, step_log)])
    assert counts[1][:4] == counts[2][:4] == counts[3][:4]
    assert counts[3][4] == 20  # one line of its timeline for each order there has been


def test_young_boundaries_are_kept_however_many_they_are(archive: Archive) -> None:
    for _ in range(5):
        archive.order("OLT")
    assert set(archive.tidy(days=1, orders=1).values()) == {0}
    assert len(archive.boundaries()) == 10  # each before and each after


def test_a_rollback_behind_what_is_kept_is_refused_and_to_nothing_it_is_not(
    archive: Archive,
) -> None:
    first = archive.order(*DEVICES)
    early = archive.boundaries()[0]
    orders = [archive.order("OLT") for _ in range(4)]
    archive.tidy(orders=2)
    kept = archive.boundaries()
    with pytest.raises(UnknownTarget):
        archive.target(to=early)
    for order in (first, orders[0]):
        with pytest.raises(TargetGone, match=f"before snapshot {kept[0]} is not kept") as refused:
            archive.target(before=order)
        assert str(kept[0]) in refused.value.mend
    assert archive.target(to=0) == ({}, (first, *orders))
    assert archive.target(before=orders[3])[1] == (orders[3],)
    with archive.engine.connect() as connection:
        assert next(each.number for each in snapshots.entries(connection, SITE)) == kept[0]


def test_an_order_that_completes_after_a_later_one_stays_forgotten(archive: Archive) -> None:
    """Its last snapshot is old; that its item was written later must not make it young again."""
    old = archive.order("OLT")
    for _ in range(3):
        archive.order("OLT")
    archive.tidy(orders=1)
    with archive.engine.begin() as connection:
        connection.execute(
            sa.update(order_item)
            .where(order_item.c.order_id == old)
            .values(updated_at=sa.func.clock_timestamp())
        )
    assert archive.target(to=archive.boundaries()[-1])[1] == ()


@pytest.mark.parametrize("state", ["held", "inProgress", "assessingCancel"])
def test_nothing_of_a_site_goes_while_an_order_is_not_final(archive: Archive, state: str) -> None:
    for _ in range(4):
        archive.order("OLT")
    archive.order("BNG", state=state)
    gone = archive.tidy(orders=1)
    assert (gone["snapshots"], gone["transactions"]) == (0, 0)


def test_nothing_of_a_site_goes_while_it_is_rolled_back_or_asked_for_it(archive: Archive) -> None:
    for _ in range(4):
        archive.order("OLT")
    archive.rolled_back(finished=False)
    assert archive.tidy(orders=1)["snapshots"] == 0
    with archive.engine.begin() as connection:
        connection.execute(sa.update(rollback_task).values(finished_at=sa.func.now(), state="done"))
    with archive.engine.begin() as asking:
        retention.keep_history(asking, SITE)
        assert forget(archive.engine, SITE, 0, 1) == 0
    assert forget(archive.engine, SITE, 0, 1) > 0


def test_what_a_site_still_has_on_a_device_keeps_the_transaction_it_came_by(
    archive: Archive,
) -> None:
    archive.order("OLT")
    archive.order("OLT", site="ENT-2")
    for _ in range(3):
        archive.order("OLT")
    archive.tidy(orders=1)
    with archive.engine.connect() as connection:
        sites = set(connection.scalars(sa.select(effect.c.site)))
        carried = connection.scalar(
            sa.select(sa.func.count())
            .select_from(net_effect)
            .join(effect, effect.c.sequence == net_effect.c.sequence)
        )
    assert sites == {SITE, "ENT-2"}
    assert carried == archive.count(net_effect) == 2


def test_a_dead_letter_goes_when_nobody_has_sent_it_again_for_as_long_as_events_are_kept(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE event_outbox, hub_subscription CASCADE"))
        connection.execute(
            sa.text(
                "INSERT INTO hub_subscription (id, api, callback, query)"
                " VALUES ('l', 'resourceOrder', 'https://a', '')"
            )
        )
        for age in ("40 days", "20 days"):
            connection.execute(
                sa.text(
                    "WITH event AS (INSERT INTO event_outbox (order_id, event_type, payload, time)"
                    " VALUES ('o', 'e', '{}', now() - interval '50 days') RETURNING sequence),"
                    " pending AS (DELETE FROM event_pending)"
                    " INSERT INTO delivery"
                    " (listener_id, sequence, position, stream, state, dead_at)"
                    " SELECT 'l', sequence, sequence, 'o', 'dead', now() - CAST(:age AS interval)"
                    " FROM event"
                ),
                {"age": age},
            )
        connection.execute(sa.text("DELETE FROM event_pending"))
    while prune(engine, timedelta(days=30).total_seconds()):
        pass
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM event_outbox")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM delivery")) == 1
