"""The trail on PostgreSQL: append-only, chained in the order of commits, whoever writes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from rom.model.deed import GATEWAY, Actor, ActorKind, DeedKind, Head
from rom.store import trail as kept
from rom.store.database import Engine, make_engine
from rom.trail import trail

ANNA = Actor("noc-anna", ActorKind.TOKEN, "192.0.2.7", "req-1")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(database_url)
    yield made
    made.dispose()


def record(engine: Engine, subject: str, actor: Actor = ANNA) -> None:
    with engine.begin() as connection:
        trail.record(connection, actor, DeedKind.SECRET_SET, subject=subject)


def subjects(engine: Engine) -> list[str]:
    return [entry.deed.subject for entry in trail.export(engine)]


def as_owner(engine: Engine, *statements: str) -> None:
    """Do what somebody does who may switch triggers off."""
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(sa.text(statement))


def test_a_deed_is_in_the_trail_when_its_transaction_is_committed(engine: Engine) -> None:
    with engine.begin() as connection:
        trail.record(
            connection, ANNA, DeedKind.SITE_REPAIRED, sites=("ENT-2", "ENT-1"), devices=["OLT-1"],
            ticket="CHG-7", reason="agreed", details={"edits": 3, "paths": ["a", "b"]},
        )  # fmt: skip
        assert trail.verify(engine).head.place == 0
    (entry,) = trail.export(engine)
    assert (entry.place, entry.deed.actor, entry.deed.sites) == (1, ANNA, ("ENT-1", "ENT-2"))
    assert entry.deed.details == {"edits": 3, "paths": ["a", "b"]}
    assert trail.verify(engine).faults == ()


def test_a_deed_that_is_not_done_is_not_in_the_trail(engine: Engine) -> None:
    with engine.begin() as connection:
        trail.record(connection, ANNA, DeedKind.SECRET_SET, subject="lost")
        connection.rollback()
    record(engine, "kept")
    assert subjects(engine) == ["kept"]
    assert [entry.place for entry in trail.export(engine)] == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trail_entry SET reason = 'another'",
        "UPDATE trail_entry SET place = 7",
        "DELETE FROM trail_entry",
        "TRUNCATE trail_entry",
        "UPDATE trail_head SET place = 0",
        "DELETE FROM trail_head",
        "TRUNCATE trail_head",
        "INSERT INTO trail_head (id, place, link) VALUES (1, 0, '')",
    ],
)
def test_the_database_refuses_to_change_the_trail(engine: Engine, statement: str) -> None:
    record(engine, "one")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))
    assert trail.verify(engine).faults == ()
    assert subjects(engine) == ["one"]


def test_whoever_records_later_waits_for_no_deed_that_takes_long(engine: Engine) -> None:
    with engine.begin() as slow:
        trail.record(slow, ANNA, DeedKind.SECRET_SET, subject="begun first")
        record(engine, "committed first")  # would wait for ever if the place were taken at once
    assert subjects(engine) == ["committed first", "begun first"]
    assert trail.verify(engine).faults == ()


def test_deeds_of_two_gateways_at_once_are_one_chain(database_url: str) -> None:
    gateways = [make_engine(database_url, pool_size=4) for _ in range(2)]
    together = threading.Barrier(8)

    def work(number: int) -> None:
        together.wait()
        for step in range(10):
            with gateways[number % 2].begin() as connection:
                for part in range(2):
                    trail.record(
                        connection, GATEWAY, DeedKind.SECRET_SET, subject=f"{number}/{step}/{part}"
                    )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(set(subjects(gateways[0]))) == 160
    found = trail.verify(gateways[1])
    assert (found.head.place, found.faults) == (160, ())
    for engine in gateways:
        engine.dispose()


def test_a_deed_that_locks_rows_after_its_entry_does_not_block_another_that_has_them(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE thing (id int primary key, n int)"))
        connection.execute(sa.text("INSERT INTO thing VALUES (1, 0)"))
    recorded, done = threading.Event(), threading.Event()

    def other() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE thing SET n = n + 1"))
            recorded.wait(10)
            trail.record(connection, ANNA, DeedKind.SECRET_SET, subject="other")
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with engine.begin() as connection:
        trail.record(connection, ANNA, DeedKind.SECRET_SET, subject="first")
        recorded.set()
        connection.execute(sa.text("UPDATE thing SET n = n + 1"))
    thread.join(10)
    assert done.is_set()
    assert sorted(subjects(engine)) == ["first", "other"]


def test_what_an_owner_of_the_database_does_to_the_trail_is_found(engine: Engine) -> None:
    for number in range(1, 7):
        record(engine, f"secret {number}")
    noted = trail.verify(engine).head

    as_owner(engine, "UPDATE trail_entry SET subject = 'another' WHERE place = 2")
    assert [fault.place for fault in trail.verify(engine).faults] == [2]
    as_owner(engine, "UPDATE trail_entry SET subject = 'secret 2' WHERE place = 2")
    assert trail.verify(engine).faults == ()

    as_owner(engine, "UPDATE trail_entry SET place = NULL WHERE place = 4")
    faults = trail.verify(engine).faults
    assert {fault.place for fault in faults} >= {4}
    as_owner(engine, "UPDATE trail_entry SET place = 4 WHERE place IS NULL")

    as_owner(
        engine,
        "UPDATE trail_entry SET place = -place WHERE place IN (2, 3)",
        "UPDATE trail_entry SET place = 5 + place WHERE place < 0",
    )
    assert {fault.place for fault in trail.verify(engine).faults} >= {2, 3}
    as_owner(
        engine,
        "UPDATE trail_entry SET place = -place WHERE place IN (2, 3)",
        "UPDATE trail_entry SET place = 5 + place WHERE place < 0",
    )
    assert trail.verify(engine).faults == ()

    as_owner(engine, "DELETE FROM trail_entry WHERE place > 4")
    (fault,) = trail.verify(engine).faults
    assert (fault.place, "up to 6" in fault.text) == (5, True)
    as_owner(
        engine,
        "UPDATE trail_head SET place = 4, link = (SELECT link FROM trail_entry WHERE place = 4)",
    )
    assert trail.verify(engine).faults == ()
    assert [fault.place for fault in trail.verify(engine, expected=noted).faults] == [5]


def test_a_head_that_was_noted_is_text_that_can_be_read_again(engine: Engine) -> None:
    record(engine, "one")
    head = trail.verify(engine).head
    assert Head.read(str(head)) == head
    with pytest.raises(ValueError, match="PLACE:LINK"):
        Head.read("7:xyz")


def test_a_page_is_narrowed_down_and_begins_with_the_newest(engine: Engine) -> None:
    for site, device in (("ENT-1", "A"), ("ENT-2", "B"), ("ENT-1", "B")):
        with engine.begin() as connection:
            trail.record(
                connection, ANNA, DeedKind.SITE_REPAIRED, sites=[site], devices=[device, "C"]
            )
    record(engine, "by itself", GATEWAY)
    with engine.connect() as connection:
        found, total = kept.page(connection, kept.Asked(site="ENT-1"), offset=0, limit=1)
        assert ([entry.place for entry in found], total) == ([3], 2)
        found, total = kept.page(connection, kept.Asked(device="B"), offset=0, limit=10)
        assert ([entry.place for entry in found], total) == ([3, 2], 2)
        found, total = kept.page(connection, kept.Asked(actor="gateway"), offset=0, limit=10)
        assert ([entry.place for entry in found], total) == ([4], 1)
