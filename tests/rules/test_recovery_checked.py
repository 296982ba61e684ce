"""What a crash has left open is proven before it is confirmed."""

from collections.abc import Iterable
from typing import Any

from adapters.seam import Session
from device_profiles.fragment import Fragment
from device_profiles.tree import PRESENT
from rom.model.change import ChangeKind
from rom.model.effect import NetEffect
from rom.store import transactions
from tests.rules.conftest import DEVICE, Bench
from tests.rules.sites import entry, own
from tests.rules.test_recovery import crash_after_commit, without


class Check:
    """Says that something is broken when told so; notes whom it measures."""

    def __init__(self, *broken: str) -> None:
        self.broken_words = list(broken)
        self.measured: list[str] = []
        self.worked: list[Any] = []
        self.sessions: list[Session] = []

    def before(self, session: Session, device: str, sites: Iterable[str]) -> Any:
        return ["up"]

    def broken(self, session: Session, worked: Any) -> list[str]:
        self.worked.append(worked)
        self.sessions.append(session)
        return list(self.broken_words)

    def burst(self, name: str) -> list[str]:
        self.measured.append(name)
        return []


def test_what_has_arrived_but_breaks_something_is_taken_back(bench: Bench) -> None:
    bench.service_check = Check()
    number = bench.want("A", own("A"))
    crash_after_commit(bench)
    bench.service_check = check = Check("neighbour down")
    bench.write()
    assert bench.device.log[:3] == ["read", "cancel", "read"]
    assert check.worked[0] == ["up"], "it is asked about what worked before the crash"
    assert check.sessions[0] is bench.device, "by the session that may take it back"
    assert check.measured == []
    assert bench.change(number).reason == "SERVICE_BROKEN"
    assert bench.device.running == {}


def test_a_modify_that_has_arrived_is_measured(bench: Bench) -> None:
    for name in "AB":
        bench.want(name, own(name))
    bench.write()
    bench.service_check = check = Check()
    bench.want("A", own("A", "800"), ChangeKind.MODIFY)
    bench.want("B", own("B", "800"), ChangeKind.MODIFY)
    bench.device.refused_sites = {"B"}
    crash_after_commit(bench)
    check.measured.clear()
    bench.write()
    assert check.measured[:1] == ["A"]
    assert "B" not in check.measured
    assert bench.transactions[1] == "committed"


def test_nobody_is_asked_about_what_did_not_arrive(bench: Bench) -> None:
    bench.service_check = Check()
    bench.want("A", own("A"))
    crash_after_commit(bench, without(bench, *own("A").own))
    bench.service_check = check = Check()
    bench.device.refused_sites = {"A"}
    bench.write()
    assert check.worked == []
    assert bench.device.log[:3] == ["read", "cancel", "read"]


def test_a_secret_has_arrived_when_a_digest_is_shown(bench: Bench) -> None:
    key = (*entry("A"), "key")
    bench.device.shows = {"secret:bgp/A": "digest:abc"}
    bench.want("A", Fragment({entry("A"): PRESENT, key: "secret:bgp/A"}))
    crash_after_commit(bench)
    bench.write()
    assert bench.device.log[:2] == ["read", "confirm"]
    assert bench.ledger("A").net[key] == NetEffect(None, "secret:bgp/A", "digest:abc")


def test_a_transaction_that_was_reverted_or_refused_has_not_left(bench: Bench) -> None:
    """A cancellation asks this before it dares to give resources back."""
    from rom.model.order import Item

    bench.rows(
        "INSERT INTO resource_order (id, customer, requester, state, document, created_at) "
        "VALUES ('RO-1', 'C1', 'som', 'inProgress', '{}', now() - interval '1 minute')"
    )
    item = Item.__new__(Item)
    object.__setattr__(item, "order_id", "RO-1")

    def left(device: str | None = None) -> bool:
        with bench.engine.connect() as connection:
            return transactions.may_have_left(connection, "A", [item], device)

    assert not left()
    bench.device.refused_sites = {"A"}
    bench.want("A", own("A"))
    bench.write()
    assert not left()
    bench.device.refused_sites = ()
    bench.want("A", own("A"))
    bench.write()
    assert left()
    assert left(DEVICE)
    assert not left("another")
