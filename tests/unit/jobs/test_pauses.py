"""How long a site is left alone on which the gateway fails."""

from rom.jobs.pauses import FIRST_SECONDS, LONGEST_SECONDS, Pauses


def test_pauses_grow_to_a_longest_and_end_with_the_first_success() -> None:
    now = [0.0]
    pauses = Pauses(clock=lambda: now[0])
    assert pauses.over("A")
    waited = []
    for _ in range(9):
        pauses.begin("A")
        began = now[0]
        assert not pauses.over("A")
        assert pauses.over("B")
        while not pauses.over("A"):
            now[0] += 1
        waited.append(now[0] - began)
    assert waited[:3] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert waited[-1] == LONGEST_SECONDS
    pauses.begin("A")
    pauses.end("A")
    assert pauses.over("A")
    pauses.begin("A")
    now[0] += FIRST_SECONDS
    assert pauses.over("A")
