"""What counts as drift of one site on one device."""

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Path, Tree
from rom.drift import differences as drift
from rom.model.effect import NetEffect, SiteState

ENTRY: Path = ("sites", "site[name='A']")
SPEED: Path = (*ENTRY, "speed")
LOGIN: Path = (*ENTRY, "password")
TEMPLATE: Path = ("templates", "template[name='gold']")
WANTED = Fragment({ENTRY: PRESENT, SPEED: "500"})
STATE = SiteState({path: NetEffect(None, value, value) for path, value in WANTED.own.items()})


def kinds(present: Tree, wanted: Fragment = WANTED, state: SiteState = STATE) -> dict[str, str]:
    return {each.path: each.kind for each in drift.find("A", wanted, present, state)}


def test_what_is_as_wanted_is_no_drift() -> None:
    assert kinds(dict(WANTED.own)) == {}


def test_missing_and_changed_values_are_told_apart() -> None:
    (found,) = drift.find("A", WANTED, {ENTRY: PRESENT, SPEED: "10"}, STATE)
    assert (found.kind, found.expected, found.found) == ("changed", "500", "10")
    assert set(kinds({}).values()) == {"missing"}


def test_what_somebody_put_below_our_entry_is_foreign() -> None:
    (kind,) = kinds({**WANTED.own, (*ENTRY, "note"): "NOC"}).values()
    assert kind == "foreign"


def test_a_neighbours_entry_is_never_looked_at() -> None:
    assert kinds({**WANTED.own, ("sites", "site[name='B']"): PRESENT}) == {}


def test_what_an_earlier_rollback_left_is_left_over() -> None:
    assert set(kinds(dict(WANTED.own), Fragment()).values()) == {"left-over"}


def test_a_template_that_differs_is_drift_of_the_sites_that_use_it() -> None:
    wanted = Fragment(
        WANTED.own, (SharedObject(TEMPLATE, {TEMPLATE: PRESENT, (*TEMPLATE, "rate"): "1"}),)
    )
    present = {**WANTED.own, TEMPLATE: PRESENT, (*TEMPLATE, "rate"): "2"}
    assert list(kinds(present, wanted).values()) == ["changed"]


def test_a_secret_is_told_as_one_and_never_shown() -> None:
    wanted = Fragment({**WANTED.own, LOGIN: "secret:ce-login/A"})
    state = SiteState({**STATE.net, LOGIN: NetEffect(None, "secret:ce-login/A", "digest:one")})
    found = drift.find("A", wanted, {**WANTED.own, LOGIN: "digest:other"}, state)
    assert [(each.expected, each.found) for each in found] == [("<secret>", "<secret>")]
