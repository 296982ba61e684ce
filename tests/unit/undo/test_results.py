"""What a device's outcome says about the whole."""

import pytest

from rom.model.change import Change, ChangeKind, ChangeState, Policy
from rom.undo import results
from rom.undo.target import ACTIVATION, activated


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
    change = Change(
        id=1,
        device="BNG",
        site="A",
        kind=ChangeKind.ROLLBACK,
        policy=Policy.REFUSE,
        state=ChangeState(state),
        reason=reason,
        transaction=transaction,
    )
    assert results.verdict_of(change) == verdict


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([], "VERIFIED"),
        (["VERIFIED", "INDETERMINATE"], "INDETERMINATE"),
        (["INDETERMINATE", "FAILED", "VERIFIED"], "FAILED"),
    ],
)
def test_the_worst_verdict_is_that_of_the_whole(verdicts: list[str], whole: str) -> None:
    assert results.worst(verdicts) == whole


def test_a_role_of_a_new_product_is_taken_back_first() -> None:
    assert activated("firewall") > max(activated(role) for role in ACTIVATION)
