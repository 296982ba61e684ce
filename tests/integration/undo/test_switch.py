"""A site on a switch with a command line, and back: what the switch is told, line by line."""

from typing import Any

import pytest

from rom.model.change import Policy

SITE = "ENT-1102-SYD2"
pytestmark = pytest.mark.timeout(120)


def lists(lines: list[tuple[str, str]]) -> list[str]:
    return [line for _, line in lines if line.startswith("switchport trunk allowed vlan")]


def saves(lines: list[tuple[str, str]]) -> list[int]:
    return [
        place
        for place, (mode, line) in enumerate(lines)
        if mode == "exec" and line.startswith(("write", "copy running"))
    ]


def test_the_switch_goes_back_to_exactly_what_it_was(switch: Any) -> None:
    before = switch.device.running_config
    switch.told()
    assert switch.bring(SITE, switch.wanted()).state == "done"
    there = switch.told()
    assert switch.device.running_config != before

    back = switch.bring(SITE, {}, kind="rollback", policy=Policy.REFUSE)
    assert (back.state, back.edits > 0) == ("done", True)
    again = switch.told()
    assert switch.device.running_config == before

    assert lists(there)
    assert all(line.startswith("switchport trunk allowed vlan add ") for line in lists(there))
    assert lists(again)
    assert all(line.startswith("switchport trunk allowed vlan remove ") for line in lists(again))


def test_it_is_saved_once_after_it_was_read_back(switch: Any) -> None:
    switch.told()
    switch.bring(SITE, switch.wanted())
    lines = switch.told()
    (saved,) = saves(lines)
    last = max(place for place, (mode, _) in enumerate(lines) if mode == "configuration")
    read = [place for place, (_, line) in enumerate(lines) if line.startswith("show running")]
    assert any(last < place < saved for place in read)
    assert SITE in switch.device.startup_config


def test_a_refused_line_is_undone_and_nothing_is_saved(switch: Any) -> None:
    before, saved = switch.device.running_config, switch.device.startup_config
    switch.device.faults.refuse("switchport trunk allowed vlan add")
    switch.told()
    row = switch.bring(SITE, switch.wanted())
    assert row.state == "refused"
    assert "resource exhausted" in row.error
    assert switch.device.running_config == before
    assert switch.device.startup_config == saved


def test_a_line_typed_by_hand_is_drift_and_the_way_back_refuses(switch: Any) -> None:
    switch.bring(SITE, switch.wanted())
    there = switch.device.running_config
    typed = next(line for line in there.splitlines() if SITE in line and "description" in line)
    head = there[: there.index(typed)].rsplit("interface ", 1)[1].splitlines()[0]
    switch.type(f"interface {head}\n description Tuesday night")
    drifted = switch.device.running_config
    switch.told()
    row = switch.bring(SITE, {}, kind="rollback", policy=Policy.REFUSE)
    assert (row.state, row.reason) == ("refused", "DRIFT")
    assert "Tuesday night" in row.error
    assert [mode for mode, _ in switch.told() if mode == "configuration"] == []
    assert switch.device.running_config == drifted
