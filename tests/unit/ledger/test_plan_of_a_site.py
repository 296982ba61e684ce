"""One site's plan by itself: what is sent, what is kept in mind, what stands in the way."""

import pytest

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Edit, Path, Tree
from rom.ledger.plan import plan_site
from rom.ledger.values import took
from rom.model.change import Policy
from rom.model.effect import NetEffect, SharedState, SiteState
from rom.model.plan import ConflictKind

KEY: Path = ("bgp", "neighbor[ip='10.0.0.2']", "authentication-key")
ENTRY: Path = ("sites", "site[name='A']")
SPEED: Path = (*ENTRY, "speed")
PORT: Path = ("ports", "port[name='12']", "description")
TEMPLATE: Path = ("templates", "template[name='gold']")
GOLD = {TEMPLATE: PRESENT, (*TEMPLATE, "rate"): "1"}


def owned(*owners: str, made: bool = True, held: bool = False) -> SiteState:
    known = SharedState(GOLD, created_by_rom=made, owners=frozenset(owners), held=held)
    return SiteState(shared={TEMPLATE: known})


def wanting_gold() -> Fragment:
    return Fragment(shared=(SharedObject(TEMPLATE, GOLD),))


def wrote(path: Path, before: str | None, value: str, read_back: str | None = None) -> SiteState:
    return SiteState({path: NetEffect(before, value, value if read_back is None else read_back)})


def test_a_secret_of_another_name_is_sent_though_the_device_shows_the_digest_we_know() -> None:
    state = wrote(KEY, None, "secret:bgp/A", "digest:abc")
    plan = plan_site("A", Fragment({KEY: "secret:bgp/B"}), {KEY: "digest:abc"}, state)
    assert plan.edits == (Edit(KEY, "digest:abc", "secret:bgp/B"),)
    assert plan.conflicts == ()


def test_a_secret_that_has_gone_from_the_device_is_sent_again() -> None:
    state = wrote(KEY, None, "secret:bgp/A", "digest:abc")
    plan = plan_site("A", Fragment({KEY: "secret:bgp/A"}), {}, state)
    assert plan.edits == (Edit(KEY, None, "secret:bgp/A"),)
    assert [conflict.kind for conflict in plan.conflicts] == [ConflictKind.DRIFT]


def test_a_secret_that_the_ledger_does_not_know_is_sent_whatever_the_device_shows() -> None:
    plan = plan_site("A", Fragment({KEY: "secret:bgp/A"}), {KEY: "digest:abc"}, SiteState())
    assert [edit.after for edit in plan.edits] == ["secret:bgp/A"]
    assert plan.conflicts == ()


def test_a_secret_that_no_read_has_ever_shown_is_sent_again() -> None:
    state = SiteState({KEY: NetEffect(None, "secret:bgp/A", None)})
    plan = plan_site("A", Fragment({KEY: "secret:bgp/A"}), {}, state)
    assert [edit.after for edit in plan.edits] == ["secret:bgp/A"]


@pytest.mark.parametrize(
    ("sent", "shown", "taken"),
    [
        ("secret:bgp/A", "digest:abc", True),
        ("secret:bgp/A", "plain", False),
        ("secret:bgp/A", None, False),
        ("500", "500", True),
        ("500", "5OO", False),
        ("500", None, False),
        (None, None, True),
        (None, "500", False),
    ],
)
def test_a_value_is_taken_when_the_device_shows_it_and_a_secret_when_it_shows_a_digest(
    sent: str | None, shown: str | None, *, taken: bool
) -> None:
    assert took(sent, shown) is taken


def test_an_earlier_secret_is_not_put_back_because_nobody_knows_it() -> None:
    state = wrote(KEY, "digest:old", "secret:bgp/A", "digest:abc")
    plan = plan_site("A", Fragment(), {KEY: "digest:abc"}, state)
    assert (plan.edits, plan.lapsed) == ((), (KEY,))


@pytest.mark.parametrize("wanted", [{SPEED: "500"}, {}])
def test_a_leaf_of_ours_that_somebody_has_deleted_is_drift(wanted: Tree) -> None:
    state = wrote(SPEED, "100", "500")
    plan = plan_site("A", Fragment(wanted), {}, state)
    (conflict,) = plan.conflicts
    assert (conflict.kind, conflict.path) == (ConflictKind.DRIFT, SPEED)
    assert (conflict.expected, conflict.found) == ("500", None)
    assert plan.edits == (Edit(SPEED, None, wanted.get(SPEED, "100")),)


def test_what_holds_its_earlier_value_again_is_not_sent_and_not_ours_any_more() -> None:
    plan = plan_site("A", Fragment(), {PORT: "spare"}, wrote(PORT, "spare", "site A"))
    assert (plan.edits, plan.conflicts, plan.lapsed) == ((), (), (PORT,))


def test_a_later_writer_of_the_same_leaf_keeps_it_and_takes_our_place() -> None:
    state = SiteState({PORT: NetEffect("spare", "A", "A")}, later={PORT: "B"})
    leaving = plan_site("A", Fragment(), {PORT: "B"}, state)
    assert (leaving.edits, leaving.conflicts) == ((), ())
    assert leaving.relinked == ((PORT, "B"),)
    above = plan_site("A", Fragment({PORT: "A2"}), {PORT: "B"}, state)
    assert above.edits == (Edit(PORT, "B", "A2"),)
    assert above.overtaken == ((PORT, "B"),)
    assert above.conflicts == ()


def test_what_is_there_already_is_counted_and_not_sent() -> None:
    present = {SPEED: "500", **GOLD}
    wanted = Fragment({SPEED: "500", PORT: "A"}, wanting_gold().shared)
    plan = plan_site("A", wanted, present, SiteState())
    assert [edit.path for edit in plan.edits] == [PORT]
    assert plan.already == 1 + len(GOLD)
    assert plan.created == frozenset()
    assert [item.root for item in plan.claims] == [TEMPLATE]


def test_a_shared_object_that_is_there_in_part_is_completed_and_not_made_by_us() -> None:
    plan = plan_site("A", wanting_gold(), {TEMPLATE: PRESENT}, SiteState())
    assert plan.edits == (Edit((*TEMPLATE, "rate"), None, "1"),)
    assert (plan.created, plan.already) == (frozenset(), 1)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (owned("A", "B"), "others own it"),
        (owned("A", made=False), "it was there before us"),
        (owned("B"), "it is not ours"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_shared_object_that_is_left_stays_on_the_device(state: SiteState, why: str) -> None:
    plan = plan_site("A", Fragment(), GOLD, state)
    assert (plan.edits, plan.dropped, plan.conflicts) == ((), frozenset(), ()), why
    assert plan.released == ((TEMPLATE,) if why != "it is not ours" else ())


def test_the_last_owner_takes_the_object_along_as_far_as_it_is_there() -> None:
    rest = {TEMPLATE: PRESENT}
    plan = plan_site("A", Fragment(), rest, owned("A"))
    assert plan.edits == (Edit(TEMPLATE, PRESENT, None),)
    assert (plan.dropped, plan.released) == ({TEMPLATE}, (TEMPLATE,))
    gone = plan_site("A", Fragment(), {}, owned("A"))
    assert (gone.edits, gone.released, gone.orphaned) == ((), (TEMPLATE,), ())


def test_an_object_that_the_device_does_not_let_go_stays_as_an_orphan() -> None:
    plan = plan_site("A", Fragment(), GOLD, owned("A", held=True))
    assert (plan.edits, plan.orphaned, plan.blocking) == ((), (TEMPLATE,), ())
    assert [(c.kind, c.path) for c in plan.conflicts] == [(ConflictKind.ORPHAN_SHARED, TEMPLATE)]


def test_an_object_with_somebody_elses_entry_in_it_stays_as_an_orphan() -> None:
    other = (*TEMPLATE, "note")
    plan = plan_site("A", Fragment(), {**GOLD, other: "by hand"}, owned("A"))
    assert (plan.edits, plan.orphaned) == ((), (TEMPLATE,))
    (conflict,) = plan.conflicts
    assert (conflict.kind, conflict.path, conflict.found) == (
        ConflictKind.ORPHAN_SHARED, other, "by hand",
    )  # fmt: skip


def test_a_leaf_that_has_a_value_before_us_goes_back_though_something_hangs_below_it() -> None:
    below = (*PORT, "remark")
    plan = plan_site("A", Fragment(), {PORT: "site A", below: "x"}, wrote(PORT, "spare", "site A"))
    assert (plan.conflicts, plan.edits) == ((), (Edit(PORT, "site A", "spare"),))


@pytest.mark.parametrize("policy", [Policy.APPLY, Policy.REFUSE, Policy.FORCE])
def test_only_keep_keeps(policy: Policy) -> None:
    state = SiteState({path: NetEffect(None, v, v) for path, v in entry("500").items()})
    plan = plan_site("A", Fragment(), entry("1"), state, policy)
    assert plan.kept == ()
    assert {edit.path for edit in plan.edits} == {ENTRY, SPEED}


def entry(speed: str) -> dict[Path, str]:
    return {ENTRY: PRESENT, SPEED: speed}


def test_a_plan_that_keeps_sends_nothing_of_the_entry_somebody_has_touched() -> None:
    net = {path: NetEffect(None, v, v) for path, v in {**entry("500"), PORT: "A"}.items()}
    state = SiteState(net, owned("A").shared)
    present = {**entry("1"), PORT: "A", **GOLD}
    plan = plan_site("A", Fragment(), present, state, Policy.KEEP)
    assert set(plan.kept) == {ENTRY, SPEED}
    assert {edit.path for edit in plan.edits} == {PORT, *GOLD}
    assert plan.dropped == GOLD.keys()
    assert plan.released == (TEMPLATE,)


def test_what_a_kept_entry_refers_to_is_neither_released_nor_dropped() -> None:
    tier = (*ENTRY, "tier")
    values = {ENTRY: PRESENT, SPEED: "500", tier: "gold"}
    state = SiteState({p: NetEffect(None, v, v) for p, v in values.items()}, owned("A").shared)
    plan = plan_site("A", Fragment(), {**values, SPEED: "1", **GOLD}, state, Policy.KEEP)
    assert (plan.edits, plan.dropped, plan.released) == ((), frozenset(), ())
    assert set(plan.kept) == {*values, *GOLD}


def test_an_orphan_that_a_kept_entry_refers_to_is_no_orphan() -> None:
    tier = (*ENTRY, "tier")
    values = {ENTRY: PRESENT, SPEED: "500", tier: "gold"}
    state = SiteState(
        {p: NetEffect(None, v, v) for p, v in values.items()}, owned("A", held=True).shared
    )
    plan = plan_site("A", Fragment(), {**values, SPEED: "1", **GOLD}, state, Policy.KEEP)
    assert (plan.orphaned, plan.released) == ((), ())
