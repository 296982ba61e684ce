"""Laws of planning, on a device that is just a dictionary."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Path, patched
from rom.ledger.batch import plan_batch
from rom.ledger.plan import plan_site, read_scope
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
    assert [conflict.kind for conflict in plan.blocking] == [ConflictKind.TEMPLATE_DRIFT]


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
    assert [conflict.kind for conflict in plan.blocking] == [ConflictKind.FOREIGN_CONTENT]


def test_a_value_changed_by_an_operator_is_reported_as_drift() -> None:
    device = Ledgered(dict(BASELINE))
    device.make("A", intent("A", 500))
    device.present["sites", "site[name='A']", "speed"] = "1"
    plan = plan_site("A", Fragment(), device.present, device.state("A"))
    (conflict,) = plan.conflicts
    assert (conflict.kind, conflict.expected, conflict.found) == (ConflictKind.DRIFT, "500", "1")


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
    assert set(kept.kept) == {*wanted.own, service, TEMPLATE}
    forced = plan_site("A", Fragment(), device.present, device.state("A"), Policy.FORCE)
    assert patched(device.present, forced.edits) == {}
