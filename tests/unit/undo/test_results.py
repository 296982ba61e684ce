"""What a device's outcome says about the whole."""

import pytest

from device_profiles.fragment import Fragment, SharedObject
from rom.answers.sites import TakenBack
from rom.catalog.roles import load_roles
from rom.model.change import Change, ChangeKind, ChangeState, Policy
from rom.model.verdict import Outcome
from rom.undo import results
from rom.undo.way_back import GIVE_UP_AFTER, is_stuck, stops


def change(
    state: ChangeState,
    reason: str | None = None,
    transaction: str | None = None,
    attempts: int = 0,
) -> Change:
    return Change(
        1, "D", "S", ChangeKind.ROLLBACK, Policy.REFUSE, state,
        reason=reason, transaction=transaction, attempts=attempts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "reason", "transaction", "verdict"),
    [
        ("done", None, "t", "VERIFIED"),
        ("done", None, None, "VERIFIED"),  # read, and as wanted already
        ("refused", "DEVICE_UNREACHABLE", None, "INDETERMINATE"),
        ("refused", "AUTHENTICATION_FAILED", None, "INDETERMINATE"),
        ("refused", "DRIFT", None, "FAILED"),  # it was read, and is not as wanted
        ("refused", "DEVICE_REFUSED", "t", "FAILED"),
    ],
)
def test_a_verdict_says_no_more_than_what_was_seen(
    state: str, reason: str | None, transaction: str | None, verdict: str
) -> None:
    settled = change(ChangeState(state), reason, transaction)
    assert results.verdict_of(settled, kept=False) == verdict


def test_what_was_kept_is_not_verified() -> None:
    done = change(ChangeState.DONE, transaction="t")
    assert results.verdict_of(done, kept=True) is Outcome.KEPT
    refused = change(ChangeState.REFUSED, "DRIFT")
    assert results.verdict_of(refused, kept=True) is Outcome.FAILED


def on_device(verdict: Outcome) -> TakenBack:
    return results.not_asked("OLT-1", "BNG-1").model_copy(update={"verdict": verdict})


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([], "VERIFIED"),
        (["VERIFIED", "KEPT"], "KEPT"),
        (["KEPT", "INDETERMINATE"], "INDETERMINATE"),
        (["INDETERMINATE", "FAILED", "VERIFIED"], "FAILED"),
    ],
)
def test_the_worst_verdict_is_that_of_the_whole(verdicts: list[str], whole: str) -> None:
    assert results.worst([on_device(Outcome(each)) for each in verdicts]) == whole


def test_a_role_of_a_new_product_is_taken_back_first() -> None:
    roles = load_roles()
    assert roles.position("firewall") > max(map(roles.position, roles.by_name))


def test_a_device_is_stuck_when_it_refuses_or_was_tried_in_vain_often_enough() -> None:
    tried = {
        number: is_stuck(change(ChangeState.WAITING, attempts=number))
        for number in (0, GIVE_UP_AFTER - 1, GIVE_UP_AFTER)
    }
    assert tried == {0: False, GIVE_UP_AFTER - 1: False, GIVE_UP_AFTER: True}
    assert is_stuck(change(ChangeState.REFUSED, "DEVICE_REFUSED"))
    assert not is_stuck(change(ChangeState.CLAIMED, attempts=9))  # a writer has it in hand
    assert not is_stuck(change(ChangeState.DONE, attempts=9))


@pytest.mark.parametrize(
    ("policy", "state", "reason", "ends"),
    [
        (Policy.REFUSE, ChangeState.REFUSED, "DRIFT", True),
        (Policy.REFUSE, ChangeState.REFUSED, "FOREIGN_CONTENT", True),
        (Policy.REFUSE, ChangeState.REFUSED, "DEVICE_UNREACHABLE", False),
        (Policy.REFUSE, ChangeState.WAITING, "DRIFT", False),
        (Policy.KEEP, ChangeState.REFUSED, "TEMPLATE_DRIFT", False),
        (Policy.APPLY, ChangeState.REFUSED, "DRIFT", False),
    ],
)
def test_refuse_ends_at_what_somebody_else_has_done_and_nothing_else_does(
    policy: Policy,
    state: ChangeState,
    reason: str,
    ends: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert stops(policy, change(state, reason)) is ends


def test_what_was_left_belongs_to_the_items_that_had_asked_for_it() -> None:
    own, template = ("sites", "site[name='A']"), ("templates", "template[name='gold']")
    fragments = {
        "vlan": Fragment(own={own: ""}),
        "qos": Fragment(shared=(SharedObject(template, {template: ""}),)),
        "sla": Fragment(own={(*own, "probe"): "1"}),
    }
    assert results.keys_of(fragments, [own]) == {"vlan"}
    assert results.keys_of(fragments, [template, (*own, "probe")]) == {"qos", "sla"}
    assert results.keys_of(fragments, []) == set()


def test_all_is_said_of_a_device_that_was_not_asked() -> None:
    assert results.not_asked("OLT-1", "BNG-1").on_the_wire() == {
        "device": "OLT-1",
        "state": "notAsked",
        "edits": 0,
        "transaction": None,
        "verdict": "INDETERMINATE",
        "kept": [],
        "orphans": [],
        "evidence": {},
        "reason": None,
        "error": "not asked: stopped at BNG-1",
    }
