"""Laws of planning, on a device that is just a dictionary."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Path, patched
from rom.ledger.batch import plan_batch
from rom.ledger.plan import leaving, plan_site, read_scope
from rom.model.change import Policy
from rom.model.effect import NetEffect, SharedState, SiteState
from rom.model.plan import ConflictKind

TEMPLATE: Path = ("templates", "template[name='gold']")
UPLINK: Path = ("ports", "port[name='uplink']", "trunk")


@dataclass
class Ledgered:
    """A device and its ledger, kept as the engine keeps them."""

    present: dict[Path, str]
    net: dict[str, dict[Path, NetEffect]] = field(default_factory=dict)
    shared: dict[Path, SharedState] = field(default_factory=dict)

    def state(self, site: str) -> SiteState:
        return SiteState(self.net.get(site, {}), self.shared)

    def make(self, site: str, wanted: Fragment) -> int:
        plan = plan_site(site, wanted, self.present, self.state(site))
        assert not plan.blocking
        self.present = patched(self.present, plan.edits)
        shared = {path for item in plan.claims for path in item.tree}
        net = self.net.setdefault(site, {})
        for edit in plan.edits:
            if edit.path in shared or any(edit.path in s.tree for s in self.shared.values()):
                continue
            before = net[edit.path].before if edit.path in net else edit.before
            net[edit.path] = NetEffect(before, edit.after, edit.after)
            if before == edit.after:
                del net[edit.path]
        for item in plan.claims:
            known = self.shared.get(item.root)
            owners = known.owners if known else frozenset()
            created = known.created_by_rom if known else item.root in plan.created
            self.shared[item.root] = SharedState(item.tree, created, owners | {site})
        for root in plan.released:
            known = self.shared[root]
            owners = known.owners - {site}
            if owners:
                self.shared[root] = SharedState(known.tree, known.created_by_rom, owners)
            else:
                del self.shared[root]
        return len(plan.edits)


def intent(site: str, speed: int) -> Fragment:
    entry: Path = ("sites", f"site[name='{site}']")
    template: Path = ("templates", f"template[name='{speed}']")
    return Fragment(
        own={
            entry: PRESENT,
            (*entry, "speed"): str(speed),
            (*UPLINK, f"vlan[.='{site}']"): PRESENT,
        },
        shared=(SharedObject(template, {template: PRESENT, (*template, "rate"): str(speed)}),),
    )


BASELINE: dict[Path, str] = {
    UPLINK[:2]: PRESENT,
    (*UPLINK, "vlan[.='legacy']"): PRESENT,
    ("templates", "template[name='100']"): PRESENT,
    ("templates", "template[name='100']", "rate"): "100",
}

sites = st.sampled_from(["A", "B", "C", "D"])
wishes = st.tuples(sites, st.sampled_from([0, 100, 500, 800]))


@given(st.lists(wishes, max_size=25))
def test_any_sequence_leaves_what_the_surviving_sites_want_and_nothing_else(
    story: list[tuple[str, int]],
) -> None:
    device = Ledgered(dict(BASELINE))
    surviving: dict[str, int] = {}
    for site, speed in story:
        device.make(site, intent(site, speed) if speed else Fragment())
        surviving.pop(site, None)
        if speed:
            surviving[site] = speed
    oracle = dict(BASELINE)
    for site, speed in surviving.items():
        oracle |= intent(site, speed).own
        for item in intent(site, speed).shared:
            oracle |= item.tree
    assert device.present == oracle
    for site in list(surviving):
        device.make(site, Fragment())
    assert device.present == BASELINE
    assert not any(device.net.values())
    assert not device.shared


@given(wishes.filter(lambda wish: wish[1] > 0))
def test_the_same_intent_again_sends_nothing(wish: tuple[str, int]) -> None:
    site, speed = wish
    device = Ledgered(dict(BASELINE))
    assert device.make(site, intent(site, speed)) > 0
    assert device.make(site, intent(site, speed)) == 0


def test_a_template_that_differs_from_ours_is_never_overwritten() -> None:
    present = {**BASELINE, ("templates", "template[name='100']", "rate"): "90"}
    plan = plan_site("A", intent("A", 100), present, SiteState())
    (conflict,) = plan.blocking
    assert conflict.kind is ConflictKind.TEMPLATE_DRIFT
    assert (conflict.expected, conflict.found) == ("100", "90")


def test_all_that_is_there_already_is_counted() -> None:
    silver: Path = ("templates", "template[name='silver']")
    gold = SharedObject(TEMPLATE, {TEMPLATE: PRESENT, (*TEMPLATE, "rate"): "1"})
    wanted = Fragment({UPLINK: "7"}, (gold, SharedObject(silver, {silver: PRESENT})))
    present = {UPLINK: "7", TEMPLATE: PRESENT, silver: PRESENT}
    assert plan_site("A", wanted, present, SiteState()).already == 3


@pytest.mark.parametrize(
    ("tree", "read"),
    [
        # Of an entry with leaves the leaves, wherever it stands: others may have more in it.
        ({("map",): PRESENT, ("map", "rate"): "1"}, {("map", "rate")}),
        ({("map",): PRESENT, ("map", "x"): PRESENT, ("map", "x", "y"): "1"}, {("map", "x", "y")}),
        # What is only there is read itself, and so is a value with something below it.
        ({("line",): PRESENT}, {("line",)}),
        ({("map",): "1", ("map", "rate"): "1"}, {("map",), ("map", "rate")}),
    ],
)
def test_of_a_shared_object_what_says_something_is_read(
    tree: dict[Path, str], read: set[Path]
) -> None:
    wanted = Fragment(shared=(SharedObject(min(tree), tree),))
    assert read_scope(wanted, SiteState()) == read


def test_two_sites_of_a_batch_create_their_common_template_once() -> None:
    batch = {site: (intent(site, 500), SiteState()) for site in ("A", "B")}
    plans = plan_batch(batch, BASELINE)
    paths = [edit.path for plan in plans.values() for edit in plan.edits]
    assert len(paths) == len(set(paths))
    assert plans["A"].created
    assert not plans["B"].created


def test_what_was_there_before_is_restored_and_not_deleted() -> None:
    port: Path = ("ports", "port[name='12']", "description")
    device = Ledgered({port[:2]: PRESENT, port: "spare"})
    device.make("A", Fragment(own={port[:2]: PRESENT, port: "site A"}))
    assert device.present[port] == "site A"
    device.make("A", Fragment())
    assert device.present == {port[:2]: PRESENT, port: "spare"}


def test_somebody_elses_entry_below_ours_blocks_the_way_back() -> None:
    device = Ledgered(dict(BASELINE))
    device.make("A", intent("A", 500))
    device.present["sites", "site[name='A']", "note"] = "made by hand"
    plan = plan_site("A", Fragment(), device.present, device.state("A"))
    (conflict,) = plan.blocking
    assert conflict.kind is ConflictKind.FOREIGN_CONTENT
    assert conflict.path == ("sites", "site[name='A']", "note")
    assert (conflict.expected, conflict.found) == (None, "made by hand")


def test_a_value_changed_by_an_operator_is_reported_as_drift() -> None:
    device = Ledgered(dict(BASELINE))
    device.make("A", intent("A", 500))
    device.present["sites", "site[name='A']", "speed"] = "1"
    plan = plan_site("A", Fragment(), device.present, device.state("A"))
    (conflict,) = plan.conflicts
    assert (conflict.kind, conflict.expected, conflict.found) == (ConflictKind.DRIFT, "500", "1")


def test_the_same_intent_again_brings_back_what_is_gone_and_leaves_what_others_have_set() -> None:
    speed: Path = ("sites", "site[name='A']", "speed")
    device = Ledgered(dict(BASELINE))
    device.make("A", intent("A", 500))
    gone = {path: value for path, value in device.present.items() if path != speed}
    plan = plan_site("A", intent("A", 500), gone, device.state("A"), Policy.RESTORE)
    assert (plan.blocking, [edit.path for edit in plan.edits]) == ((), [speed])
    assert plan.overwritten == ()
    device.present[speed] = "1"
    plan = plan_site("A", intent("A", 500), device.present, device.state("A"), Policy.RESTORE)
    assert [conflict.path for conflict in plan.blocking] == [speed]
    assert plan.overwritten == (speed,)
    reasoned = plan_site("A", intent("A", 500), device.present, device.state("A"))
    assert (reasoned.blocking, reasoned.overwritten) == ((), (speed,))


def test_a_secret_is_sent_once_and_known_afterwards_by_what_it_read_back() -> None:
    key: Path = ("bgp", "neighbor[ip='10.0.0.2']", "authentication-key")
    wanted = Fragment(own={key: "secret:bgp/A"})
    first = plan_site("A", wanted, {}, SiteState())
    assert [edit.after for edit in first.edits] == ["secret:bgp/A"]
    state = SiteState({key: NetEffect(None, "secret:bgp/A", "digest:abc")})
    assert plan_site("A", wanted, {key: "digest:abc"}, state).edits == ()
    changed = plan_site("A", wanted, {key: "digest:other"}, state)
    assert [conflict.kind for conflict in changed.conflicts] == [ConflictKind.DRIFT]
    assert changed.edits


def test_only_the_leaves_of_a_shared_object_are_read() -> None:
    scope = read_scope(intent("A", 500), SiteState())
    template: Path = ("templates", "template[name='500']")
    assert (*template, "rate") in scope
    assert template not in scope
    assert ("sites", "site[name='A']") in scope


def test_what_holds_or_serves_a_kept_entry_stays_with_its_last_owner() -> None:
    service: Path = ("services", "service[name='vpn']")
    entry: Path = (*service, "interface[name='A']")
    other: Path = ("templates", "template[name='unused']")
    shared = tuple(SharedObject(root, {root: PRESENT}) for root in (service, TEMPLATE, other))
    wanted = Fragment(
        own={entry: PRESENT, (*entry, "note"): "ours", (*entry, "policy"): "gold"}, shared=shared
    )
    device = Ledgered({})
    device.make("A", wanted)
    device.present[*entry, "note"] = "typed by hand"
    kept = plan_site("A", Fragment(), device.present, device.state("A"), Policy.KEEP)
    assert [edit.path for edit in kept.edits] == [other]
    assert kept.released == (other,)
    assert kept.dropped == {other}
    assert set(kept.kept) == {*wanted.own, service, TEMPLATE}
    forced = plan_site("A", Fragment(), device.present, device.state("A"), Policy.FORCE)
    assert patched(device.present, forced.edits) == {}


def test_a_leaf_that_somebody_has_deleted_and_that_had_a_value_before_is_drift() -> None:
    port: Path = ("ports", "port[name='12']")
    device = Ledgered({port: PRESENT, (*port, "description"): "spare"})
    device.make("A", Fragment(own={(*port, "description"): "site A"}))
    del device.present[*port, "description"]
    plan = plan_site("A", Fragment(), device.present, device.state("A"), Policy.REFUSE)
    (conflict,) = plan.blocking
    assert (conflict.kind, conflict.expected, conflict.found) == (
        ConflictKind.DRIFT, "site A", None
    )  # fmt: skip
    forced = plan_site("A", Fragment(), device.present, device.state("A"), Policy.FORCE)
    assert patched(device.present, forced.edits)[*port, "description"] == "spare"


GOLD: Path = ("templates", "template[name='500']")


def with_template(changed: str = "") -> Ledgered:
    """A is the only site of its template, into which somebody has typed."""
    device = Ledgered(dict(BASELINE))
    device.make("A", intent("A", 500))
    if changed:
        device.present[*GOLD, "rate"] = changed
    return device


def test_a_shared_template_that_somebody_has_changed_does_not_go_unseen_with_its_last_site() -> (
    None
):
    device = with_template("450")
    refused = plan_site("A", Fragment(), device.present, device.state("A"), Policy.REFUSE)
    (conflict,) = refused.blocking
    assert (conflict.kind, conflict.path) == (ConflictKind.DRIFT, (*GOLD, "rate"))
    assert (conflict.expected, conflict.found) == ("500", "450")

    kept = plan_site("A", Fragment(), device.present, device.state("A"), Policy.KEEP)
    assert kept.blocking == ()
    left = patched(device.present, kept.edits)
    assert left == {**BASELINE, GOLD: PRESENT, (*GOLD, "rate"): "450"}
    assert (kept.released, kept.dropped) == ((), frozenset())
    assert {GOLD, (*GOLD, "rate")} <= set(kept.kept)

    forced = plan_site("A", Fragment(), device.present, device.state("A"), Policy.FORCE)
    assert patched(device.present, forced.edits) == BASELINE


def test_a_changed_template_that_others_still_own_is_not_looked_at() -> None:
    device = with_template()
    device.make("B", intent("B", 500))
    device.present[*GOLD, "rate"] = "450"
    plan = plan_site("A", Fragment(), device.present, device.state("A"), Policy.REFUSE)
    assert (plan.conflicts, plan.released) == ((), (GOLD,))


SITE: Path = ("sites", "site[name='A']")
USER: Path = ("ports", "port[name='9']", "site")
POLICIES = (Policy.REFUSE, Policy.KEEP, Policy.FORCE)


def used(device: Ledgered, entry: Path, user: Path, value: str) -> SiteState:
    """The ledger's part of A, with somebody who refers to one of its entries."""
    device.present[user] = value
    return device.state("A").used_by({entry: {user: value}}, [entry])


@pytest.mark.parametrize("policy", POLICIES)
def test_an_entry_that_somebody_refers_to_stays_and_is_told(policy: Policy) -> None:
    device = with_template()
    state = used(device, SITE, USER, "A")
    plan = plan_site("A", Fragment(), device.present, state, policy)
    assert plan.blocking == ()
    assert [(c.kind, c.path, c.found) for c in plan.conflicts] == [(ConflictKind.IN_USE, USER, "A")]
    # The entry stays whole, with the template that it refers to.
    stays = {SITE: PRESENT, (*SITE, "speed"): "500", GOLD: PRESENT, (*GOLD, "rate"): "500"}
    assert set(plan.kept) == stays.keys()
    assert patched(device.present, plan.edits) == {**BASELINE, USER: "A", **stays}
    assert (plan.released, plan.dropped) == ((), frozenset())


def test_a_change_of_intent_waits_for_people_where_somebody_refers_to_what_goes() -> None:
    device = with_template()
    plan = plan_site("A", Fragment(), device.present, used(device, SITE, USER, "A"))
    assert [conflict.kind for conflict in plan.blocking] == [ConflictKind.IN_USE]


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_in_use_under_another_parent_is_not_forgotten(policy: Policy) -> None:
    device = with_template()
    del device.present[SITE], device.present[*SITE, "speed"]
    elsewhere = ("renamed", "site[name='A']")
    plan = plan_site("A", Fragment(), device.present, used(device, SITE, elsewhere, ""), policy)
    assert set(plan.kept) == {SITE, (*SITE, "speed")}
    assert plan.lapsed == ()
    assert patched(device.present, plan.edits) == {**BASELINE, elsewhere: PRESENT}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_template_that_somebody_refers_to_stays_as_an_orphan(policy: Policy) -> None:
    device = with_template()
    plan = plan_site("A", Fragment(), device.present, used(device, GOLD, USER, "500"), policy)
    assert (plan.blocking, plan.orphaned, plan.released) == ((), (GOLD,), (GOLD,))
    assert [(c.kind, c.path) for c in plan.conflicts] == [(ConflictKind.ORPHAN_SHARED, USER)]
    assert GOLD in patched(device.present, plan.edits)


def test_what_refers_no_longer_and_what_is_ours_uses_nothing() -> None:
    device = with_template()
    no_longer = used(device, SITE, USER, "A")
    device.present[USER] = "B"
    ours = (*SITE, "speed")
    for state in (no_longer, device.state("A").used_by({GOLD: {ours: "500"}}, [GOLD])):
        plan = plan_site("A", Fragment(), device.present, state, Policy.REFUSE)
        assert (plan.conflicts, plan.kept, plan.orphaned) == ((), (), ())


def test_what_an_orphan_refers_to_stays_with_it() -> None:
    customer: Path = ("customers", "customer[name='C']")
    service: Path = ("services", "service[name='vpn']")
    named = (*service, "customer")
    shared = (
        SharedObject(customer, {customer: PRESENT}),
        SharedObject(service, {service: PRESENT, named: "C"}),
    )
    device = Ledgered({})
    device.make("A", Fragment(shared=shared))
    uses: dict[Path, dict[Path, str]] = {customer: {named: "C"}}
    state = device.state("A").used_by(uses, [customer])
    alone = plan_site("A", Fragment(), device.present, state, Policy.REFUSE)
    assert patched(device.present, alone.edits) == {}
    device.present[*service, "interface[name='x']"] = PRESENT
    plan = plan_site("A", Fragment(), device.present, state, Policy.REFUSE)
    assert set(plan.orphaned) == {customer, service}
    assert plan.edits == ()


def test_only_entries_that_the_site_made_and_leaves_can_be_in_use() -> None:
    device = with_template()
    state = device.state("A")
    member = (*UPLINK, "vlan[.='A']")
    assert leaving(Fragment(), state) == {SITE, member, GOLD}
    assert leaving(intent("A", 500), state) == frozenset()
    assert leaving(intent("A", 800), state) == {GOLD}
