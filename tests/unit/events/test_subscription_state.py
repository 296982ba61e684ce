"""What the NOC is told about delivery to a listener."""

from datetime import UTC, datetime, timedelta

import pytest

from rom.model.access import EVERYTHING
from rom.model.event import Subscription, SubscriptionState, SubscriptionStatus
from rom.model.event_types import Api

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


def state(
    *,
    waiting: int,
    failures: int = 0,
    succeeded: datetime | None = None,
    failed: datetime | None = None,
) -> SubscriptionState:
    subscription = Subscription(
        id="hub-1",
        api=Api.ORDERING,
        callback="https://som.example/events",
        query="",
        owner="",
        scope=EVERYTHING,
        sealed_secret=b"sealed",
        created_at=NOON,
        failures=failures,
        last_success_at=succeeded,
        last_failure_at=failed,
    )
    return SubscriptionStatus(subscription, waiting, dead=0, waiting_since=None).state


@pytest.mark.parametrize("succeeded", [None, NOON])
def test_a_listener_with_nothing_to_get_is_idle(succeeded: datetime | None) -> None:
    assert state(waiting=0, succeeded=succeeded) is SubscriptionState.IDLE


def test_one_with_something_to_get_is_being_delivered_to() -> None:
    assert state(waiting=1) is SubscriptionState.DELIVERING
    assert state(waiting=1, failed=NOON, succeeded=LATER) is SubscriptionState.DELIVERING


def test_one_whose_last_attempt_failed_is_failing_while_something_waits() -> None:
    assert state(waiting=1, failed=LATER, succeeded=NOON) is SubscriptionState.FAILING
    assert state(waiting=1, failed=NOON) is SubscriptionState.FAILING
    assert state(waiting=0, failed=NOON) is SubscriptionState.IDLE


def test_one_to_which_nothing_gets_through_is_failing_whatever_waits() -> None:
    assert state(waiting=0, failures=1, succeeded=LATER) is SubscriptionState.FAILING


def test_a_signing_secret_shows_in_no_text_of_a_subscription() -> None:
    subscription = Subscription(
        "hub-1", Api.ORDERING, "https://som.example", "", "", EVERYTHING, b"sealed", NOON
    )
    assert "sealed" not in repr(subscription)
