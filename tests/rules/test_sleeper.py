"""A writer that stands still while another one does its work: what it wakes up to is not its own.

It may stand still at any step. Whatever it had in hand was settled by the other one, so it writes
nothing into the ledger any more, and the device and the ledger agree.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from adapters.errors import CommitRefused
from adapters.seam import Capability
from device_profiles.fragment import Fragment
from device_profiles.tree import DIGEST_PREFIX, Path
from rom.model.change import ChangeKind
from tests.rules.conftest import Bench, empty
from tests.rules.device import PLAIN, SAVED, WINDOW
from tests.rules.sites import Died, entry, own, site

STEPS = ("read", "users", "apply", "confirm", "cancel", "save", "evidence")
SECRET: Path = (*entry("A"), "key")
WITH_SECRET = Fragment({**own("A").own, SECRET: "secret:ipsec/A"}, site("A").shared)
SHOWN = {"secret:ipsec/A": f"{DIGEST_PREFIX}0b5c"}
DEVICES = {
    "plain": PLAIN | {Capability.EVIDENCE},
    "saved": SAVED | {Capability.EVIDENCE},
    "window": WINDOW | {Capability.EVIDENCE},
    "both": WINDOW | SAVED | {Capability.EVIDENCE},
}


def count_steps(bench: Bench, at: int | None, meanwhile: Callable[[], Any]) -> list[str]:
    """Note every conversation with the device; before and after number ``at`` comes a sleep."""
    steps: list[str] = []

    def watched(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            for moment in ("before", "after"):
                steps.append(f"{moment} {name}")
                if len(steps) - 1 == at:
                    meanwhile()
                if moment == "before":
                    answer = plain(*arguments)
            return answer

        return step

    for name in STEPS:
        setattr(
            bench.device,
            name,
            watched(name, getattr(type(bench.device), name).__get__(bench.device)),
        )
    return steps


def another_writer(bench: Bench) -> None:
    """The lease has run out; another gateway takes over and does what there is to do."""
    for name in STEPS:
        vars(bench.device).pop(name, None)
    bench.rows("UPDATE device_lease SET until = now() - interval '1 second'")
    bench.write()


def prepared(bench: Bench, device: str) -> None:
    bench.device.capabilities = DEVICES[device]
    bench.device.shows = SHOWN
    bench.want("A", WITH_SECRET)
    bench.want("B", site("B"))
    bench.write()


def ordered(bench: Bench, what: str) -> Mapping[str, int]:
    if what == "delete":
        return {"A": bench.want("A", Fragment(), ChangeKind.DELETE)}
    if what == "refused":
        bench.device.refusal = lambda batch: (
            CommitRefused("no") if any(part.site == "C" for part in batch) else None
        )
    return {"C": bench.want("C", site("C")), "D": bench.want("D", site("D"))}


def crashed(bench: Bench) -> Mapping[str, int]:
    """What a dead writer leaves: its change has reached the device, its answer nobody."""

    def dies() -> None:
        raise Died

    numbers = ordered(bench, "add")
    bench.device.after_commit = dies
    with pytest.raises(Died):
        bench.write()
    bench.device.after_commit = lambda: None
    return numbers


def outcome(bench: Bench, numbers: Mapping[str, int]) -> Any:
    return (
        bench.states(numbers),
        bench.device.running,
        bench.device.window,
        bench.device.saved,
        {name: bench.ledger(name) for name in "ABCD"},
        bench.rows("SELECT site, reason, error FROM change ORDER BY id"),
        bench.rows("SELECT id FROM device_txn WHERE state NOT IN ('committed', 'reverted')"),
    )


BEGINNINGS: Mapping[str, Callable[[Bench], Mapping[str, int]]] = {
    "delete": lambda bench: ordered(bench, "delete"),
    "add": lambda bench: ordered(bench, "add"),
    "refused": lambda bench: ordered(bench, "refused"),
    "recovery": crashed,
}


@pytest.mark.parametrize("what", BEGINNINGS)
@pytest.mark.parametrize("device", DEVICES)
def test_who_wakes_up_late_changes_nothing_whatever_step_it_slept_through(
    bench: Bench, device: str, what: str
) -> None:
    prepared(bench, device)
    numbers = BEGINNINGS[what](bench)
    steps = count_steps(bench, None, lambda: None)
    bench.write()
    alone = outcome(bench, numbers)
    assert len(steps) > 6
    for at in range(len(steps)):
        empty(bench.engine)
        late = Bench(bench.engine)
        prepared(late, device)
        numbers = BEGINNINGS[what](late)
        count_steps(late, at, partial(another_writer, late))
        late.write()
        assert outcome(late, numbers) == alone, steps[at]


@pytest.mark.parametrize("crash", [False, True], ids=["after a commit", "in recovery"])
def test_who_was_overtaken_saves_nothing(bench: Bench, crash: bool) -> None:  # noqa: FBT001 - pytest
    """What it would save is whatever the other writer has on the device, unproven."""
    bench.device.capabilities = SAVED
    if crash:
        crashed(bench)
    else:
        ordered(bench, "add")
    plain, reads = bench.device.read, []

    def late(scope: Any) -> Any:
        found = plain(scope)
        reads.append(scope)
        if len(reads) == (1 if crash else 2):
            bench.rows("UPDATE device_lease SET epoch = epoch + 1")
        return found

    bench.device.read = late  # type: ignore[method-assign]  # the device answers late
    bench.write()
    assert bench.device.saved is None
