"""What stands at a site once orders are taken back, told from orders, snapshots and tasks."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from rom.model.errors import TargetGone
from rom.store import site_items
from rom.store.database import make_engine
from rom.store.embedded import EmbeddedPostgres
from rom.store.order_tables import cancel_task
from rom.store.tables import device_txn, order_item, resource_order, rollback_task, snapshot
from rom.undo import standing, target
from tests.databases import fresh_database

SITE, ELSEWHERE = "ENT-1", "ENT-2"


class Books:
    """Writes orders, snapshots and rollbacks one after the other, as they come about."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self._tasks = 0
        connection.execute(
            sa.insert(device_txn).values(
                id="t", device="OLT-1", kind="apply", state="committed", epoch=1
            )
        )

    def _now(self) -> object:
        return sa.func.clock_timestamp()

    def order(
        self, name: str, *items: str, action: str = "add", state: str = "completed",
        site: str = SITE, in_force: bool = True,
    ) -> int:  # fmt: skip
        """Write an order with an item for each key, and the snapshots of a final one."""
        self.connection.execute(
            sa.insert(resource_order).values(
                id=name, document={}, state="completed", customer="C1", requester="som",
                created_at=self._now(),
            )
        )  # fmt: skip
        for position, key in enumerate(items):
            self.connection.execute(
                sa.insert(order_item).values(
                    order_id=name, item_id=f"{name}/{key}", position=position, action=action,
                    specification="RFS:VLAN-Service", version="1.0", key=key, site=site,
                    characteristics={}, depends_on=[], state=state, step="done",
                    in_force=in_force,
                )
            )  # fmt: skip
        return self.snapshots(name, site)

    def snapshots(self, order: str, site: str = SITE) -> int:
        """Write a snapshot before and one after; returns the latter's number."""
        rows = [
            self.connection.execute(
                sa.insert(snapshot)
                .values(
                    site=site, device="OLT-1", role="access", txn="t", moment=moment,
                    order_id=order, content_hash="", sealed=b"", time=self._now(),
                )
                .returning(snapshot.c.id)
            ).scalar_one()
            for moment in ("before", "after")
        ]  # fmt: skip
        return int(rows[-1])

    def task(self, *orders: str, finished: bool = True, site: str = SITE) -> None:
        """Write a rollback that takes orders back."""
        self._tasks += 1
        self.connection.execute(
            sa.insert(rollback_task).values(
                id=f"RB-{self._tasks}", site=site, target={"number": 0, "orders": list(orders)},
                policy="refuse", reason="", requester="", preview={}, result={},
                created_at=self._now(),
                state="done" if finished else "inProgress",
                finished_at=self._now() if finished else None,
            )
        )  # fmt: skip
        self.connection.execute(
            sa.update(order_item).where(order_item.c.order_id.in_(orders)).values(in_force=False)
        )

    def names(self, rows: list[sa.Row[tuple[str]]]) -> set[str]:
        return {row.item_id for row in rows}

    def stand_again(self, *taken_back: str) -> set[str]:
        items = site_items.items_of_site(self.connection, SITE)
        taken = [item for item in items if item.order_id in taken_back]
        return self.names(standing.earlier_items(self.connection, SITE, taken))

    def refuse_what_is_gone(self, number: int) -> None:
        known = standing.history_of(self.connection, SITE)
        target._refuse_what_is_gone(known, known.behind(number))

    def cancel(self, order: str, *item_ids: str) -> None:
        """Write a cancellation that has taken the items back, or all of the order."""
        self.connection.execute(
            sa.insert(cancel_task).values(
                id=f"CO-{order}", order_id=order, item_ids=list(item_ids) or None, document={},
                state="done", requester="", sites={SITE: {"state": "clean"}},
                created_at=self._now(), effective_at=self._now(), finished_at=self._now(),
            )
        )  # fmt: skip

    def in_force(self) -> set[str]:
        return self.names(site_items.items_in_force(self.connection, SITE))


@pytest.fixture(scope="module")
def engine(postgres_server: EmbeddedPostgres) -> Iterator[sa.Engine]:
    """One migrated database for all: a test's own would take longer than the test."""
    with fresh_database(postgres_server) as url:
        made = make_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def books(engine: sa.Engine) -> Iterator[Books]:
    with engine.connect() as connection:
        yield Books(connection)
        connection.rollback()


def test_orders_under_way_are_those_with_items_that_are_not_final(books: Books) -> None:
    books.order("done", "vlan")
    books.order("b-held", "qos", "sla", action="modify", state="held")
    books.order("a-running", "vlan", action="modify", state="inProgress")
    books.order("elsewhere", "vlan", state="pending", site=ELSEWHERE)
    for state in ("cancelled", "failed", "rejected"):
        books.order(state, "vlan", state=state)
    assert site_items.orders_under_way(books.connection, SITE) == ["a-running", "b-held"]


def test_items_in_force_are_the_completed_ones_that_nobody_has_taken_back(books: Books) -> None:
    books.order("first", "vlan", "qos", in_force=False)
    books.order("faster", "qos", action="modify")
    books.order("failed", "sla", state="failed")
    books.order("gone", "ip", action="delete")
    books.order("elsewhere", "vlan", site=ELSEWHERE)
    assert books.in_force() == {"faster/qos"}


def test_undoing_a_modify_brings_the_item_before_it_back_and_no_other(books: Books) -> None:
    books.order("first", "vlan", "qos", in_force=False)
    books.order("faster", "qos", action="modify", in_force=False)
    books.order("fastest", "qos", action="modify")
    assert books.stand_again("fastest") == {"faster/qos"}
    assert books.stand_again("faster", "fastest") == {"first/qos"}
    assert books.stand_again("first", "faster", "fastest") == set()
    assert books.stand_again() == set()


def test_an_item_that_an_earlier_rollback_took_back_does_not_stand_again(books: Books) -> None:
    books.order("first", "qos", in_force=False)
    books.order("faster", "qos", action="modify")
    books.task("faster")
    books.order("again", "qos", action="modify")
    assert books.stand_again("again") == {"first/qos"}


def test_an_item_that_a_cancellation_took_back_does_not_stand_again(books: Books) -> None:
    books.order("first", "qos", "sla", in_force=False)
    books.order("faster", "qos", action="modify", in_force=False)
    books.cancel("faster")
    books.order("measured", "sla", "qos", action="modify", in_force=False)
    books.cancel("measured", "measured/qos")
    books.order("again", "qos", "sla", action="modify")
    assert books.stand_again("again") == {"first/qos", "measured/sla"}


def test_an_order_stands_until_all_of_it_was_taken_back(books: Books) -> None:
    books.order("part", "qos", "sla")
    books.order("whole", "vlan")
    books.order("stopped", "ip")
    books.cancel("part", "part/qos")
    books.cancel("whole")
    books.task("stopped")
    books.connection.execute(
        sa.update(rollback_task).values(result={standing.NOTHING_CHANGED: True})
    )
    known = standing.history_of(books.connection, SITE)
    assert known.standing_from((0, 0)) == ("part", "stopped")


def test_an_item_that_came_to_nothing_does_not_stand_again(books: Books) -> None:
    books.order("first", "qos", in_force=False)
    books.order("refused", "qos", action="modify", state="failed")
    books.order("faster", "qos", action="modify")
    assert books.stand_again("faster") == {"first/qos"}


def test_taking_back_an_add_brings_nothing_back(books: Books) -> None:
    books.order("first", "vlan")
    assert books.stand_again("first") == set()


def test_a_snapshot_that_shows_an_order_taken_back_since_is_gone(books: Books) -> None:
    before = books.order("first", "vlan")
    shown = books.order("faster", "qos", action="modify")
    books.task("faster")
    with pytest.raises(TargetGone, match=r"order faster, which it shows, was taken back by RB-1"):
        books.refuse_what_is_gone(shown)
    books.refuse_what_is_gone(before)


def test_a_rollback_under_way_or_before_the_snapshot_or_elsewhere_takes_nothing_away(
    books: Books,
) -> None:
    books.order("early", "sla")
    books.task("early")
    shown = books.order("first", "vlan")
    books.task("first", site=ELSEWHERE)
    books.task("first", finished=False)
    books.refuse_what_is_gone(shown)


def test_a_number_between_two_of_the_sites_snapshots_counts_as_the_earlier(books: Books) -> None:
    books.order("first", "vlan")
    between = books.snapshots("elsewhere", ELSEWHERE)
    books.task("first")
    with pytest.raises(TargetGone, match="order first"):
        books.refuse_what_is_gone(between)


def test_a_snapshot_before_a_delete_is_gone_and_one_after_it_is_not(books: Books) -> None:
    before = books.order("first", "vlan", "sla")
    after = books.order("less", "sla", action="delete")
    with pytest.raises(TargetGone, match="order less has deleted something since"):
        books.refuse_what_is_gone(before)
    books.refuse_what_is_gone(after)


@pytest.mark.parametrize("state", ["failed", "cancelled", "inProgress"])
def test_a_delete_that_came_to_nothing_takes_nothing_away(books: Books, state: str) -> None:
    before = books.order("first", "vlan")
    books.order("less", "vlan", action="delete", state=state)
    books.refuse_what_is_gone(before)
