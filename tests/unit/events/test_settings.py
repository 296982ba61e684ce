"""How long a listener is left alone, and how long a gateway keeps it."""

import pytest

from rom.events.settings import EventSettings


@pytest.mark.parametrize("first", [1, 2])
def test_pauses_double_and_end_at_the_longest(first: int) -> None:
    settings = EventSettings(event_backoff_seconds=1.0, event_backoff_most_seconds=10.0)
    assert settings.event_pause(first + 1, 1.0) == 2 * settings.event_pause(first, 1.0)
    assert settings.event_pause(1, 0.0) == 0.5
    assert settings.event_pause(1000, 1.0) == 10.0


def test_an_answer_that_takes_its_whole_time_still_comes_within_the_lease() -> None:
    settings = EventSettings(event_timeout_seconds=30.0)
    assert settings.event_lease_seconds > 2 * settings.event_timeout_seconds
