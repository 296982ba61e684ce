"""Several sites planned for one device transaction."""

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Path
from rom.ledger.batch import plan_batch
from rom.model.effect import NetEffect, SharedState, SiteState

TEMPLATE: Path = ("templates", "template[name='gold']")
TREE = {TEMPLATE: PRESENT, (*TEMPLATE, "rate"): "1"}
LEAF: Path = ("uplink", "description")


def joining(site: str) -> Fragment:
    return Fragment({("sites", f"site[name='{site}']"): PRESENT}, (SharedObject(TEMPLATE, TREE),))


def owning(site: str, *owners: str) -> SiteState:
    path: Path = ("sites", f"site[name='{site}']")
    shared = {TEMPLATE: SharedState(TREE, created_by_rom=True, owners=frozenset(owners))}
    return SiteState({path: NetEffect(None, PRESENT, PRESENT)}, shared)


def test_a_shared_object_passes_from_who_leaves_to_who_joins_untouched() -> None:
    present = {**TREE, ("sites", "site[name='A']"): PRESENT}
    known = owning("A", "A").shared
    plans = plan_batch(
        {"A": (Fragment(), owning("A", "A")), "B": (joining("B"), SiteState(shared=known))},
        present,
    )
    assert not [edit for plan in plans.values() for edit in plan.edits if edit.path in TREE]
    assert plans["A"].released == (TEMPLATE,)
    assert plans["A"].relies == {"B"}, "if B is refused, A must take the object along"
    assert plans["B"].relies == frozenset()


def test_the_last_of_two_who_leave_takes_the_shared_object_along() -> None:
    present = {**TREE, **{("sites", f"site[name='{name}']"): PRESENT for name in "AB"}}
    wishes = {name: (Fragment(), owning(name, "A", "B")) for name in "AB"}
    plans = plan_batch(wishes, present)
    assert not {edit.path for edit in plans["A"].edits} & TREE.keys()
    assert {edit.path for edit in plans["B"].edits} > TREE.keys()
    assert plans["B"].relies == {"A"}


def test_who_uses_what_another_brings_relies_on_it() -> None:
    plans = plan_batch({name: (joining(name), SiteState()) for name in "ABC"}, {})
    assert plans["A"].created == {TEMPLATE}
    assert [plans[name].relies for name in "ABC"] == [frozenset(), {"A"}, {"A"}]


def test_a_second_writer_of_the_same_path_waits_for_the_first() -> None:
    wishes = {name: (Fragment({LEAF: f"by {name}"}), SiteState()) for name in "AB"}
    assert list(plan_batch(wishes, {LEAF: "before"})) == ["A"]


def test_nobody_counts_on_a_site_that_is_blocked() -> None:
    drifted = {**TREE, (*TEMPLATE, "rate"): "2"}
    present = {**drifted, ("sites", "site[name='A']"): PRESENT}
    known = SharedState(drifted, created_by_rom=True, owners=frozenset("A"))
    leaver = SiteState(owning("A").net, {TEMPLATE: known})
    plans = plan_batch(
        {"A": (Fragment(), leaver), "B": (joining("B"), SiteState(shared={TEMPLATE: known}))},
        present,
    )
    assert plans["B"].blocking
    assert {edit.path for edit in plans["A"].edits} > TREE.keys()
