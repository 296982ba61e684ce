"""Lines of a command line by themselves: what is one, what is complete, what comes twice."""

import pytest

from device_profiles.cli import day1_text, decode, encode_commands, encode_lines, parse_template
from device_profiles.cli_grammar import Grammar, Setting, expanded, grammar, natural
from device_profiles.errors import ProfileError
from device_profiles.models import CliModel, CommandRule
from device_profiles.profile import load_profile
from device_profiles.tree import PRESENT, Edit, Path, difference

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


def test_toggles_that_are_not_shown_have_their_default_at_the_root_and_where_a_section_stays() -> (
    None
):
    assert decode(ROUTER, "hostname X\n")["ip http server",] == "yes"
    assert decode(SWITCH, "interface GigabitEthernet0/7\n")[
        "interface GigabitEthernet0/7", "shutdown"
    ] == "no"  # fmt: skip
    assert decode(SWITCH, "interface Vlan99\n") == {("interface Vlan99",): PRESENT}


def test_a_toggle_that_is_there_by_name_is_not_assumed() -> None:
    rules = Grammar(
        CliModel(
            commands=(
                CommandRule(step="service {name}", kind="toggle", default="yes"),
                CommandRule(step="ip routing", kind="toggle", default="yes"),
            )
        )
    )
    assert list(rules.defaults("")) == [Setting("ip routing", "yes")]


def test_a_value_has_one_spelling_alone_and_among_others() -> None:
    rules = Grammar(CliModel(commands=(CommandRule(step="source", canonical="ipv6"),)))
    assert rules.settings("", "source 2001:0DB8:0::1") == [Setting("source", "2001:db8::1")]
    shown = "interface GigabitEthernet0/0/0\n ipv6 address 2001:0DB8:0::1/64\n"
    assert parse_template(ROUTER, shown, "here") == parse_template(
        ROUTER, shown.replace("0DB8:0::1", "db8::1"), "here"
    )


@pytest.mark.parametrize(
    "paths",
    [
        (("policy-map PM-7",), ("policy-map PM-07",)),
        (("ip access-list standard A", "remark 7"), ("ip access-list standard A", "remark 07")),
    ],
)
def test_lines_of_which_neither_comes_first_are_both_sent_and_both_taken_back(
    paths: tuple[Path, ...],
) -> None:
    tree = dict.fromkeys(paths, PRESENT)
    assert set(encode_lines(ROUTER, difference({}, tree))) == set(paths)
    assert set(encode_lines(ROUTER, difference(tree, {}))) == {
        (*path[:-1], f"no {path[-1]}") for path in paths
    }


def test_what_went_with_its_section_is_known_and_comes_back_with_it() -> None:
    tree = {("vlan 7",): PRESENT, ("vlan 7", "name"): "A"}
    (command,) = encode_commands(SWITCH, difference(tree, {}))
    assert command.line == "no vlan 7"
    back = encode_lines(SWITCH, [edit.inverted() for edit in command.edits])
    assert back == [("vlan 7",), ("vlan 7", "name A")]


def test_a_file_leaves_each_section_by_the_line_that_it_needs() -> None:
    router, family = "router bgp 65112", "address-family ipv4 unicast"
    tree = {
        ("interface eth0",): PRESENT,
        ("interface eth0", "description"): "WAN",
        (router,): PRESENT,
        (router, family): PRESENT,
        (router, family, "network 10.0.0.0/8"): PRESENT,
    }
    text = day1_text(load_profile("frr-ce"), tree)
    assert [line for line in text.splitlines() if line != "!"][:-1] == [
        "interface eth0", " description WAN", "exit",
        router, f" {family}", "  network 10.0.0.0/8", " exit-address-family", "exit",
    ]  # fmt: skip
