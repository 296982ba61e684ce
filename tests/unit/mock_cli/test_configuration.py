"""What configuration lines do, and how the configuration is shown."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_devices.cli.arguments import vlan_members, vlan_text
from mock_devices.cli.grammar import load_grammar
from mock_devices.cli.machine import Machine
from mock_devices.cli.pattern import RefusalError
from mock_devices.cli.vault import Vault

PAYLOADS = Path(__file__).parents[4] / "shared" / "payloads"
TRUNK = "switchport trunk allowed vlan"


def apply(machine: Machine, *lines: str) -> list[str]:
    stack = [machine.configuration]
    return [machine.editor.apply(stack, line) for line in lines]


def trunk(machine: Machine, *operations: str) -> set[int]:
    apply(machine, "interface te0/1", *(f"{TRUNK} {operation}" for operation in operations))
    section = machine.configuration.section("interface TenGigabitEthernet0/1")
    assert section is not None
    value = section.value(TRUNK)
    return set(vlan_members(value) or ()) if value else set(range(1, 4095))


@pytest.mark.parametrize(
    ("platform", "payload"),
    [
        ("ios-switch", "p2p-switch/20-cli-roi001-002.cfg"),
        ("iosxe-ce", "ce-iosxe/10-day1-ISR4431-FDO2340567.cfg"),
    ],
)
def test_the_worked_examples_are_accepted_and_entering_them_twice_changes_nothing(
    machine: Any, platform: str, payload: str
) -> None:
    if not PAYLOADS.is_dir():
        pytest.skip("the shared payloads are not here")
    text = re.sub(r"<VAULT:?(\w*)>", r"clear-\1-text", (PAYLOADS / payload).read_text())
    device = machine(platform)
    assert not [remark for remark in device.merge(text) if remark.refused]
    once = device.running_text()
    assert "clear-" not in once
    device.merge(text)
    assert device.running_text() == once
    assert device.load(once) == []
    assert device.running_text() == once


def test_a_trunk_list_without_add_replaces_the_others(machine: Any) -> None:
    device = machine("ios-switch")
    assert trunk(device, "add 2109") == {99, 2001, 2109}
    assert trunk(device, "remove 2001") == {99, 2109}
    assert trunk(device, "5") == {5}
    assert trunk(device, "none") == set()
    assert trunk(device, "all") == set(range(1, 4095))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "remove"]),
            st.sets(st.integers(1, 4094), min_size=1, max_size=9),
        ),
        max_size=8,
    )
)
def test_trunk_edits_are_set_operations_and_survive_being_shown(
    edits: list[tuple[str, set[int]]],
) -> None:
    with TemporaryDirectory() as folder:
        grammar = load_grammar("ios-switch")
        device = Machine("device", grammar, Path(folder), serial="S")
        device.load(grammar.example_baseline)
        expected = {99, 2001}
        for operation, vlans in edits:
            expected = expected | vlans if operation == "add" else expected - vlans
            assert trunk(device, f"{operation} {vlan_text(vlans)}") == expected
        text = device.running_text()
        device.load(text)
        assert device.running_text() == text


def test_an_access_port_creates_its_vlan_and_says_so(machine: Any) -> None:
    device = machine("ios-switch")
    said = apply(device, "interface gi0/7", "switchport access vlan 2110")
    assert said[1] == "% Access VLAN does not exist. Creating vlan 2110"
    assert device.configuration.has("vlan 2110")


def test_physical_interfaces_cannot_be_removed_and_unknown_ones_do_not_exist(machine: Any) -> None:
    device = machine("ios-switch")
    with pytest.raises(RefusalError, match="Removal of physical interfaces is not permitted"):
        apply(device, "no interface GigabitEthernet0/7")
    with pytest.raises(RefusalError, match="% Invalid input") as caught:
        apply(device, "interface GigabitEthernet0/99")
    assert caught.value.column == len("interface ")


@pytest.mark.parametrize(
    ("line", "message", "column"),
    [
        ("i", "% Ambiguous command", None),
        ("interface", "% Incomplete command.", None),
        ("vlan 4095", "% Invalid input", 5),
        ("hostname two words", "% Invalid input", 13),
        ("no", "% Invalid input", 0),
        ("no hostnam bogus-value extra", "% Invalid input", 23),
        ("router bgp 1", "% Invalid input", 0),
    ],
)
def test_lines_are_refused_where_they_are_wrong(
    machine: Any, line: str, message: str, column: int | None
) -> None:
    device = machine("ios-switch")
    before = device.running_text()
    with pytest.raises(RefusalError, match=message) as caught:
        apply(device, line)
    assert caught.value.column == column
    assert device.running_text() == before


def test_abbreviations_are_written_out(machine: Any) -> None:
    device = machine("ios-switch")
    apply(device, "int gi 0/7", "desc  one customer", "sw acc vl 99", "no cdp en", "vl 7", "na x")
    text = device.running_text()
    assert "interface GigabitEthernet0/7\n description one customer\n" in text
    assert " switchport access vlan 99\n no cdp enable\n" in text
    assert "vlan 7\n name x\n" in text


def test_no_takes_a_value_away_whatever_value_it_names(machine: Any) -> None:
    device = machine("ios-switch")
    before = device.running_text()
    apply(device, "interface gi0/7", "switchport access vlan 99", "description x", "shutdown")
    apply(
        device, "interface gi0/7", "no switchport access vlan 98", "no description", "no shutdown"
    )
    assert device.running_text() == before


def test_references_are_checked(machine: Any) -> None:
    device = machine("iosxe-ce")
    with pytest.raises(RefusalError, match="% class map CM-EF not configured"):
        apply(device, "policy-map PM", "class CM-EF")
    with pytest.raises(RefusalError, match="Specify remote-as"):
        apply(device, "router bgp 65112", "neighbor 192.0.2.1 description x")
    with pytest.raises(RefusalError, match="BGP is already running; AS is 65112"):
        apply(device, "router bgp 65113")
    apply(device, "class-map match-any CM-EF", "match dscp ef", "policy-map PM", "class CM-EF")
    with pytest.raises(RefusalError, match="is being used"):
        apply(device, "no class-map CM-EF")
    apply(device, "no policy-map PM", "no class-map CM-EF")
    assert "CM-EF" not in device.running_text()


def test_taking_a_neighbour_away_takes_all_its_lines(machine: Any) -> None:
    device = machine("iosxe-ce")
    apply(
        device,
        "router bgp 65112",
        "neighbor 192.0.2.1 remote-as 64500",
        "neighbor 192.0.2.1 timers 10 30",
        "address-family ipv4",
        "neighbor 192.0.2.1 activate",
    )
    apply(device, "router bgp 65112", "no neighbor 192.0.2.1")
    assert "neighbor" not in device.running_text()


def test_access_list_entries_are_numbered_and_a_number_is_taken_once(machine: Any) -> None:
    device = machine("iosxe-ce")
    rules = ["permit tcp any host 192.0.2.1 eq 179", "20 deny ip any any"]
    apply(device, "ip access-list extended ACL", *rules, *rules)
    assert (
        " 10 permit tcp any host 192.0.2.1 eq bgp\n 20 deny ip any any\n" in device.running_text()
    )
    with pytest.raises(RefusalError, match="Duplicate"):
        apply(device, "ip access-list extended ACL", "20 permit ip any any")


def test_secrets_are_shown_the_same_every_time_and_never_in_clear() -> None:
    vault, other = Vault("one"), Vault("other")
    hidden = vault.hidden("pass-word", "9")
    assert vault.hidden("pass-word", "9") == hidden == vault.hidden(hidden, "9")
    assert vault.matches(hidden, "pass-word")
    assert not vault.matches(hidden, "pass-wore")
    encrypted = vault.hidden("bgp-key", "6")
    assert vault.hidden(encrypted, "6") == encrypted
    assert vault.revealed(encrypted) == "bgp-key"
    assert other.revealed(encrypted) is None
    assert other.hidden("pass-word", "9") != hidden
