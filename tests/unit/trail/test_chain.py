"""A trail that somebody has touched says where."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rom.model.deed import Actor, ActorKind, Deed, DeedKind, Entry, Head
from rom.trail.chain import START, Verification, digest, link, whole

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
ANNA = Actor("noc-anna", ActorKind.TOKEN, "192.0.2.7", "req-1")


def chain(count: int) -> list[Entry]:
    entries: list[Entry] = []
    previous = START.link
    for place in range(1, count + 1):
        deed = Deed(DeedKind.SITE_REPAIRED, ANNA, (f"ENT-{place}",), details={"edits": place})
        time = NOON + timedelta(minutes=place)
        made = digest(time, deed)
        entry = Entry(place, time, deed, made, previous, link(previous, place, made))
        entries.append(entry)
        previous = entry.link
    return entries


def head_of(entries: list[Entry]) -> Head:
    return Head(entries[-1].place, entries[-1].link) if entries else START


def faults(entries: list[Entry], kept: Head, expected: Head | None = None) -> list[tuple[int, str]]:
    found = Verification(expected)
    found.look(entries)
    found.end(kept)
    return [(fault.place, fault.text) for fault in found.faults]


def test_a_trail_that_nobody_touched_has_no_fault() -> None:
    entries = chain(5)
    assert faults(entries, head_of(entries), head_of(entries[:3])) == []
    assert faults([], START) == []


@pytest.mark.parametrize(
    "touch",
    [
        lambda deed: replace(deed, reason="another"),
        lambda deed: replace(deed, sites=("ENT-9",)),
        lambda deed: replace(deed, actor=replace(deed.actor, name="somebody")),
        lambda deed: replace(deed, actor=replace(deed.actor, client="192.0.2.8")),
        lambda deed: replace(deed, details={"edits": 0}),
        lambda deed: replace(deed, kind="no word of ours"),
    ],
)
def test_a_changed_entry_is_named(touch: Callable[[Deed], Deed]) -> None:
    entries = chain(5)
    kept = head_of(entries)
    entries[2] = replace(entries[2], deed=touch(entries[2].deed))
    ((place, text),) = faults(entries, kept)
    assert (place, text) == (3, "changed: its fields do not give its digest")


def test_an_entry_changed_with_its_digest_does_not_give_its_link() -> None:
    entries = chain(5)
    kept = head_of(entries)
    deed = replace(entries[2].deed, reason="another")
    entries[2] = replace(entries[2], deed=deed, digest=digest(entries[2].time, deed))
    ((place, text),) = faults(entries, kept)
    assert place == 3
    assert "link" in text


def test_an_entry_changed_with_digest_and_link_breaks_the_next_one() -> None:
    entries = chain(5)
    kept = head_of(entries)
    deed = replace(entries[2].deed, reason="another")
    made = digest(entries[2].time, deed)
    changed = link(entries[2].previous, 3, made)
    entries[2] = replace(entries[2], deed=deed, digest=made, link=changed)
    assert faults(entries, kept) == [(4, "does not follow on the entry before it")]


@given(st.integers(1, 5), st.integers(1, 3))
def test_removed_entries_are_told_wherever_they_were(first: int, count: int) -> None:
    entries = chain(6)
    kept = head_of(entries)
    left = [entry for entry in entries if not first <= entry.place < first + count]
    (place, text), *_ = faults(left, kept)
    assert place == first
    assert text.startswith("removed")


def test_last_entries_that_are_gone_are_told_by_the_head_beside() -> None:
    entries = chain(6)
    ((place, text),) = faults(entries[:4], head_of(entries))
    assert (place, text) == (5, "removed: the head says that there are entries up to 6")


def test_last_entries_that_are_gone_with_the_head_are_told_by_what_was_noted() -> None:
    entries = chain(6)
    cut = entries[:4]
    assert faults(cut, head_of(cut)) == []
    ((place, text),) = faults(cut, head_of(cut), expected=head_of(entries))
    assert place == 5
    assert "6, which was noted" in text


def test_a_trail_written_anew_is_told_by_what_was_noted() -> None:
    noted = head_of(chain(4))
    entries = chain(6)
    forged = [replace(entry, deed=replace(entry.deed, reason="forged")) for entry in entries]
    previous = START.link
    for index, entry in enumerate(forged):
        made = digest(entry.time, entry.deed)
        forged[index] = replace(
            entry, digest=made, previous=previous, link=link(previous, entry.place, made)
        )
        previous = forged[index].link
    assert faults(forged, head_of(forged)) == []
    assert faults(forged, head_of(forged), expected=noted) == [
        (4, "is not the entry that was noted")
    ]


@given(st.permutations(range(1, 6)))
def test_reordered_entries_are_told(order: list[int]) -> None:
    entries = chain(5)
    kept = head_of(entries)
    moved = [replace(entries[place - 1], place=at) for at, place in enumerate(order, start=1)]
    assert bool(faults(moved, kept)) == (order != [1, 2, 3, 4, 5])


def test_an_export_has_every_field_and_what_is_needed_to_compute_the_chain_again() -> None:
    (line,) = map(whole, chain(1))
    assert (line["place"], line["deed"], line["actor"]) == (1, "site.repaired", "noc-anna")
    assert (line["sites"], line["client"], line["requestId"]) == (["ENT-1"], "192.0.2.7", "req-1")
    assert bytes.fromhex(line["previous"]) == START.link
