"""The clock that everything waits by, set back by hours, lengthens no pause."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from rom.store import clock, leases
from rom.store.database import Engine, make_engine

HOURS = timedelta(hours=6)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(database_url)
    yield made
    made.dispose()


def set_back(engine: Engine) -> None:
    """What was written before a clock went back by six hours lies six hours ahead."""
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE clock SET noted_at = clock_timestamp()"))
        for table, column in (
            ("clock", "noted_at"), ("change", "due_at"), ("device_lease", "until"),
            ("procrastinate_workers", "last_heartbeat"),
        ):  # fmt: skip
            connection.execute(
                sa.text(f"UPDATE {table} SET {column} = {column} + interval '6 hours'")  # noqa: S608 - constants
            )


def looked(engine: Engine) -> timedelta | None:
    with engine.begin() as connection:
        return clock.look(connection)


def test_a_clock_that_runs_on_moves_nothing(engine: Engine) -> None:
    epoch = leases.acquire(engine, "BNG-1", "the living", 60)
    assert looked(engine) is None
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE clock SET noted_at = noted_at - interval '6 hours'"))
        leases.check(connection, "BNG-1", epoch or 0)
    assert looked(engine) is None  # it was set forward, or nobody has looked for long
    assert looked(engine) is None
    assert leases.acquire(engine, "BNG-1", "another", 60) is None


def test_the_lease_of_a_dead_writer_ends_when_it_would_have(engine: Engine) -> None:
    leases.acquire(engine, "BNG-1", "the dead", -10)
    leases.acquire(engine, "BNG-2", "the living", 60)
    set_back(engine)
    assert leases.acquire(engine, "BNG-1", "the next", 60) is None
    found = looked(engine)
    assert found is not None
    assert HOURS - timedelta(seconds=10) < found <= HOURS
    assert leases.acquire(engine, "BNG-1", "the next", 60)
    assert leases.acquire(engine, "BNG-2", "the next", 60) is None
    assert looked(engine) is None  # once is enough


def test_no_quarantine_is_shortened_by_a_clock_that_was_wrong_for_a_while(engine: Engine) -> None:
    until = sa.text("SELECT quarantine_until FROM resource")
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO pool (id, name, kind, mode) "
                "VALUES (gen_random_uuid(), 'V', 'vlan', 'items')"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO resource (id, pool_id, value, scope, ordinal, state, "
                "quarantine_until) SELECT gen_random_uuid(), id, '100', 'D', 0, 'quarantined', "
                "now() + interval '1 day' FROM pool"
            )
        )
        before = connection.scalar(until)
    set_back(engine)
    assert looked(engine)
    with engine.connect() as connection:
        assert connection.scalar(until) == before


def test_what_is_put_off_and_the_heartbeat_of_the_dead_come_back_too(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO change (device, site, kind, state, due_at) "
                "VALUES ('D', 'S', 'apply', 'waiting', now() + interval '15 seconds')"
            )
        )
        connection.execute(sa.text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
    set_back(engine)
    assert looked(engine)
    with engine.connect() as connection:
        due = connection.scalar(sa.text("SELECT due_at - now() FROM change"))
        beat = connection.scalar(
            sa.text("SELECT now() - last_heartbeat FROM procrastinate_workers")
        )
    assert due is not None
    assert due <= timedelta(seconds=20)
    assert beat is not None
    assert beat >= -timedelta(seconds=5)
