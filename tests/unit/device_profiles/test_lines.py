"""Lines of a command line by themselves: what is one, what is complete, what comes twice."""

import pytest

from device_profiles.cli import decode, encode_lines, parse_template
from device_profiles.cli_grammar import Grammar, expanded, grammar, natural
from device_profiles.errors import ProfileError
from device_profiles.models import CliModel
from device_profiles.profile import load_profile
from device_profiles.tree import PRESENT, Edit

SWITCH, ROUTER = load_profile("ios-switch"), load_profile("iosxe-ce")


@pytest.mark.parametrize("text", ["hostname\n", "vlan 7\n name\n"])
def test_a_command_without_its_value_is_never_complete(text: str) -> None:
    with pytest.raises(ProfileError):
        parse_template(SWITCH, text, "here")


def test_a_command_of_a_section_is_a_plain_line_elsewhere() -> None:
    assert parse_template(SWITCH, "name\n", "here") == {("name",): PRESENT}


def test_comments_and_what_the_profile_ignores_are_no_lines() -> None:
    shown = "version 15.2\n! a comment\nBuilding configuration...\nhostname X\n!\nend\n"
    assert decode(SWITCH, shown) == {("hostname",): "X"}


def test_what_only_begins_like_an_ignored_line_is_a_line() -> None:
    assert ("end of the world",) in decode(SWITCH, "end of the world\n")


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_line_that_comes_twice_in_a_section_is_read_once(depth: int) -> None:
    sections = [f"section {number}" for number in range(depth)]
    text = "\n".join(" " * number + line for number, line in enumerate(sections))
    twice = f"\n{' ' * depth}a line" * 2
    found = decode(SWITCH, text + twice)
    assert (*sections, "a line") in found
    assert len(found) == depth + 1


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("10", ["10"]),
        ("10,20-22", ["10", "20", "21", "22"]),
        (" 7 , 9 ", ["7", "9"]),
        ("none", []),
        ("", []),
        ("10,none", ["10"]),
        ("a-b", ["a-b"]),
        ("1-b", ["1-b"]),
        ("a-2", ["a-2"]),
        ("5-5", ["5"]),
    ],
)
def test_a_list_names_its_members(text: str, members: list[str]) -> None:
    assert expanded(text) == members


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["10 permit", "9 permit", "Gi0/10", "Gi0/9", "Gi"]
    assert sorted(names, key=natural) == ["9 permit", "10 permit", "Gi", "Gi0/9", "Gi0/10"]


def test_without_a_place_for_others_they_come_last() -> None:
    rules = Grammar(CliModel(order=("vlan ", "interface ")))
    lines = [("zebra",), ("interface 1",), ("vlan 2",)]
    assert sorted(lines, key=rules.order) == [("vlan 2",), ("interface 1",), ("zebra",)]


def test_others_come_where_the_profile_says() -> None:
    rules = Grammar(CliModel(order=("vlan ", "*", "interface ")))
    lines = [("zebra",), ("interface 1",), ("vlan 2",)]
    assert sorted(lines, key=rules.order) == [("vlan 2",), ("zebra",), ("interface 1",)]


def test_only_a_section_at_the_root_can_be_referred_to() -> None:
    rules = grammar(SWITCH)
    assert rules.is_section(("vlan 7",))
    assert not rules.is_section(("vlan 7", "vlan 8"))
    assert not rules.is_section(("hostname",))


def test_a_platform_without_command_lines_has_no_grammar() -> None:
    with pytest.raises(ProfileError, match=r"^profile bbf-olt has no command line grammar$"):
        grammar(load_profile("bbf-olt"))


def test_a_section_that_needs_it_is_left_by_its_own_line() -> None:
    rules = grammar(ROUTER)
    assert rules.closing("address-family ipv4") == "exit-address-family"
    assert rules.closing("interface Loopback0") is None


def test_what_names_its_value_when_it_goes_names_the_one_that_is_there() -> None:
    path = ("interface GigabitEthernet0/0/0", "service-policy output")
    assert encode_lines(ROUTER, [Edit(path, "PM-OLD", None)]) == [
        ("interface GigabitEthernet0/0/0", "no service-policy output PM-OLD")
    ]
