"""Inside the confirmed commit's window, and what is kept of every change."""

from collections.abc import Iterable
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.seam import Session
from device_profiles.fragment import Fragment
from device_profiles.tree import PRESENT, Path
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.store import changes, intents, snapshots


def site(name: str, value: str = "500") -> Fragment:
    entry: Path = ("sites", f"site[name='{name}']")
    return Fragment(own={entry: PRESENT, (*entry, "speed"): value})


class WatchfulCheck:
    """Says that the network breaks whenever a certain site's change is on the device."""

    def __init__(self, device: Any, poison: str) -> None:
        self.device = device
        self.poison = ("sites", f"site[name='{poison}']")
        self.asked: list[list[str]] = []
        self.bursts: list[str] = []

    def before(self, session: Session, device: str, sites: Iterable[str]) -> object:
        self.asked.append(list(sites))
        return "all is well"

    def broken(self, session: Session, worked: Any) -> list[str]:
        assert worked == "all is well"
        assert self.device.armed is not None, "asked outside the window"
        return ["neighbour is down"] if self.poison in self.device.running else []

    def burst(self, name: str) -> list[str]:
        self.bursts.append(name)
        return []


def writer(lab: Any, check: WatchfulCheck) -> DeviceWriter:
    settings = WriterSettings("test", 30, 120, 64, 0.001)
    return DeviceWriter(lab.engine, lab, settings, lab.vault, check)


def test_a_change_that_breaks_a_neighbour_goes_back_and_the_others_stay(lab: Any) -> None:
    check = WatchfulCheck(lab.device, "B")
    numbers = {name: lab.want(name, site(name)) for name in ("A", "B", "C")}
    writer(lab, check).run(lab.name)
    assert lab.change(numbers["B"]).reason == "SERVICE_BROKEN"
    assert "neighbour is down" in lab.change(numbers["B"]).error
    assert {lab.change(numbers[name]).state for name in "AC"} == {"done"}
    assert check.poison not in lab.device.running
    assert lab.device.armed is None


class Died(BaseException):
    """The end of a process."""


class DyingCheck(WatchfulCheck):
    """Ends the process within the window."""

    def broken(self, session: Session, worked: Any) -> list[str]:
        raise Died


def dies_within_its_window(lab: Any) -> None:
    with pytest.raises(Died):
        writer(lab, DyingCheck(lab.device, "nobody")).run(lab.name)
    assert lab.device.armed is not None
    assert lab.scalar("SELECT state FROM device_txn") == "confirming"


def test_a_window_left_open_by_the_dead_is_closed_by_what_the_check_finds(lab: Any) -> None:
    numbers = {name: lab.want(name, site(name)) for name in ("A", "B", "C")}
    dies_within_its_window(lab)
    check = WatchfulCheck(lab.device, "B")
    writer(lab, check).run(lab.name)
    assert lab.change(numbers["B"]).reason == "SERVICE_BROKEN"
    assert {lab.change(numbers[name]).state for name in "AC"} == {"done"}
    assert check.poison not in lab.device.running
    assert lab.device.armed is None


def test_a_window_left_open_is_confirmed_when_all_is_well_and_nothing_goes_again(lab: Any) -> None:
    numbers = [lab.want(name, site(name)) for name in ("A", "B")]
    dies_within_its_window(lab)
    writer(lab, WatchfulCheck(lab.device, "nobody")).run(lab.name)
    assert {lab.change(number).state for number in numbers} == {"done"}
    assert lab.device.armed is None
    assert len(lab.device.applied) == 1


def test_a_modify_left_in_its_window_is_measured_by_who_comes_after(lab: Any) -> None:
    lab.want("A", site("A"))
    lab.run()
    with lab.engine.begin() as connection:
        intents.keep(
            connection, device=lab.name, site="A", role="access", fragments={"x": site("A", "800")}
        )
        changes.request(connection, device=lab.name, site="A", kind="modify")
    with pytest.raises(Died):
        writer(lab, DyingCheck(lab.device, "nobody")).run(lab.name)
    check = WatchfulCheck(lab.device, "nobody")
    writer(lab, check).run(lab.name)
    assert check.bursts == ["A"]
    assert lab.device.armed is None


def test_a_modify_is_measured_before_it_becomes_permanent(lab: Any) -> None:
    check = WatchfulCheck(lab.device, "nobody")
    lab.want("A", site("A"))
    writer(lab, check).run(lab.name)
    assert check.bursts == []
    with lab.engine.begin() as connection:
        intents.keep(
            connection, device=lab.name, site="A", role="access", fragments={"x": site("A", "800")}
        )
        changes.request(connection, device=lab.name, site="A", kind="modify")
    writer(lab, check).run(lab.name)
    assert check.bursts == ["A"]


def test_snapshots_are_taken_before_and_after_every_change(lab: Any) -> None:
    lab.want("A", site("A"))
    lab.run()
    lab.want("A", site("A", "800"))
    lab.run()
    speed = ("sites", "site[name='A']", "speed")
    with lab.engine.connect() as connection:
        found = snapshots.entries(connection, "A")
        assert [entry.moment for entry in found] == ["before", "after", "before", "after"]
        first = snapshots.site_at(connection, lab.vault, "A", found[1].number)[lab.name]
        last = snapshots.site_at(connection, lab.vault, "A", found[3].number)[lab.name]
        nothing = snapshots.site_at(connection, lab.vault, "A", found[0].number)[lab.name]
    assert (first.tree[speed], last.tree[speed]) == ("500", "800")
    assert first.fragments["bearer"] == site("A")
    assert (nothing.tree, nothing.fragments) == ({}, {})


def test_snapshots_cannot_be_read_without_the_key(lab: Any) -> None:
    lab.want("A", site("A"))
    lab.run()
    with lab.engine.connect() as connection:
        sealed = connection.scalars(sa.text("SELECT sealed FROM snapshot")).all()
    assert sealed
    assert not any(b"speed" in bytes(each) for each in sealed)


def test_a_snapshot_holds_the_sites_own_paths_only(lab: Any) -> None:
    lab.device.running[("sites", "site[name='neighbour']")] = PRESENT
    lab.want("A", site("A"))
    lab.run()
    with lab.engine.connect() as connection:
        kept = snapshots.latest(connection, lab.vault, "A", lab.name)
    assert kept is not None
    assert {path[1] for path in kept.tree} == {"site[name='A']"}


def test_live_services_and_new_ones_never_share_a_transaction(lab: Any) -> None:
    for number in range(20):
        with lab.engine.begin() as connection:
            name = f"L{number:02}"
            intents.keep(
                connection,
                device=lab.name,
                site=name,
                role="access",
                fragments={"x": site(name)},
            )
            changes.request(connection, device=lab.name, site=name, kind="modify")
    for number in range(20):
        lab.want(f"N{number:02}", site(f"N{number:02}"))
    lab.run()
    classes = [{name[0] for name in group} for group in lab.device.applied]
    assert all(len(each) == 1 for each in classes)
    assert sorted(map(len, lab.device.applied)) == [4, 16, 20]
