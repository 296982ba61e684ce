"""Command line codec: sets as sets, toggles as toggles, references in order."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.cli import (
    day1_text,
    decode,
    encode_commands,
    encode_lines,
    implied,
    with_secrets,
)
from device_profiles.errors import ProfileError
from device_profiles.profile import load_profile
from device_profiles.render import render
from device_profiles.tree import PRESENT, Edit, Path, difference, patched

ContextOf = Callable[[str], dict[str, Any]]

TreeOf = Callable[[str, str], dict[Path, str]]

SWITCH = load_profile("ios-switch")
ROUTER = load_profile("iosxe-ce")
PORT = ("interface GigabitEthernet0/7",)
UPLINK = ("interface TenGigabitEthernet0/1",)
ALLOWED = "switchport trunk allowed vlan"
RUNNING = """
Building configuration...

Current configuration : 2048 bytes
!
version 15.2
hostname EAS-SYD-02
!
banner motd ^C
interface GigabitEthernet0/99
 no way
^C
enable secret 9 $9$abcdefgh
vlan 2001
 name ENT-0999-SYDX
!
interface GigabitEthernet0/7
 shutdown
!
interface TenGigabitEthernet0/1
 description uplink
 switchport trunk allowed vlan 99,2001-2003
 switchport trunk allowed vlan add 2050
 switchport mode trunk
 no cdp enable
!
end
"""
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)


def test_a_running_configuration_is_read_into_named_settings() -> None:
    tree = decode(SWITCH, RUNNING)
    assert tree["hostname",] == "EAS-SYD-02"
    assert tree["vlan 2001", "name"] == "ENT-0999-SYDX"
    assert tree[*PORT, "shutdown"] == "yes"
    assert tree[*UPLINK, "shutdown"] == "no"
    assert tree[*UPLINK, "cdp enable"] == "no"
    members = {path[-1] for path in tree if path[-1].startswith(ALLOWED)}
    assert members == {f"{ALLOWED}[.='{n}']" for n in (99, 2001, 2002, 2003, 2050)}


def test_a_trunk_of_no_vlan_has_no_members() -> None:
    assert decode(SWITCH, f"interface TenGigabitEthernet0/1\n {ALLOWED} none\n", [UPLINK]) == {
        UPLINK: PRESENT,
        (*UPLINK, "shutdown"): "no",
        (*UPLINK, "cdp enable"): "yes",
        (*UPLINK, "lldp transmit"): "yes",
        (*UPLINK, "lldp receive"): "yes",
    }


def test_secrets_are_read_as_digests_and_banners_not_at_all() -> None:
    tree = decode(SWITCH, RUNNING)
    assert tree["enable secret",].startswith("digest:")
    assert ("interface GigabitEthernet0/99",) not in tree
    assert "$9$" not in str(tree)


@pytest.mark.parametrize(
    "banner",
    [
        "banner motd ^CAuthorised users only^C",
        "banner exec #\nhostname OTHER\n#",
        "banner login ^C\n!\nhostname OTHER\n^C",
        "banner motd",
    ],
)
def test_what_follows_a_banner_is_read(banner: str) -> None:
    assert decode(SWITCH, f"{banner}\nhostname EAS-SYD-02\n") == {("hostname",): "EAS-SYD-02"}


@pytest.mark.parametrize("description", ["two  blanks", "a\ttab", "a\u00a0no-break blank"])
def test_an_operators_description_goes_back_as_it_was(description: str) -> None:
    tree = decode(SWITCH, f"interface GigabitEthernet0/7\n description {description}\n")
    assert tree[*PORT, "description"] == description
    lines = encode_lines(SWITCH, [Edit((*PORT, "description"), "ours", description)])
    assert lines == [(*PORT, f"description {description}")]


def test_a_section_shown_in_two_parts_is_one() -> None:
    text = "vlan 7\n name A\nvlan 8\nvlan 7\n mtu 1500\n"
    assert set(decode(SWITCH, text)) == {
        ("vlan 7",), ("vlan 7", "name"), ("vlan 8",), ("vlan 7", "mtu 1500"),
    }  # fmt: skip


def test_a_read_is_reduced_to_its_scope_and_the_sections_it_lies_in() -> None:
    scope = [(*PORT,), (*UPLINK, f"{ALLOWED}[.='2001']")]
    tree = decode(SWITCH, RUNNING, scope)
    assert set(tree) >= {PORT, (*UPLINK, f"{ALLOWED}[.='2001']")}
    assert {path for path in tree if path[:1] != PORT} == {
        UPLINK,
        (*UPLINK, f"{ALLOWED}[.='2001']"),
    }


def test_applying_what_is_there_sends_nothing() -> None:
    tree = decode(SWITCH, RUNNING)
    assert encode_lines(SWITCH, difference(tree, tree)) == []


def test_the_example_site_goes_out_as_the_smallest_set_of_lines(site_tree: TreeOf) -> None:
    before = decode(SWITCH, RUNNING)
    after = {**before, **site_tree("ios-switch", "ENT-1102-SYD2")}
    lines = encode_lines(SWITCH, difference(before, after))
    assert lines[0] == ("vlan 2110",)
    assert (*UPLINK, "switchport trunk allowed vlan add 2110") in lines
    assert (*PORT, "no shutdown") in lines
    assert (*PORT,) not in lines
    assert lines.index((*PORT, "switchport access vlan 2110")) > lines.index(("vlan 2110",))


def test_what_others_refer_to_is_removed_last_and_with_all_it_holds(site_tree: TreeOf) -> None:
    before = decode(SWITCH, RUNNING)
    after = {**before, **site_tree("ios-switch", "ENT-1102-SYD2")}
    lines = encode_lines(SWITCH, difference(after, before))
    assert lines[-1] == ("no vlan 2110",)
    assert (*PORT, "shutdown") in lines
    assert (*PORT, "no switchport access vlan") in lines
    assert (*UPLINK, "switchport trunk allowed vlan remove 2110") in lines
    assert not any("name" in line[-1] for line in lines)


@given(st.sets(st.integers(1, 4094)), st.sets(st.integers(1, 4094)))
def test_a_trunk_is_never_sent_without_add_or_remove(before: set[int], after: set[int]) -> None:
    def trunk(vlans: set[int]) -> dict[Path, str]:
        return {(*UPLINK, f"{ALLOWED}[.='{vlan}']"): PRESENT for vlan in vlans}

    lines = encode_lines(SWITCH, difference(trunk(before), trunk(after)))
    sent = {line[-1] for line in lines}
    assert sent == {f"{ALLOWED} add {vlan}" for vlan in after - before} | {
        f"{ALLOWED} remove {vlan}" for vlan in before - after
    }


def test_a_physical_port_is_emptied_never_removed() -> None:
    tree = {PORT: PRESENT, (*PORT, "description"): "x", (*PORT, "shutdown"): "no"}
    assert encode_lines(SWITCH, difference(tree, {})) == [(*PORT, "no description")]


def test_accepted_lines_are_taken_back_in_reverse(site_tree: TreeOf) -> None:
    before = decode(SWITCH, RUNNING)
    edits = difference(before, {**before, **site_tree("ios-switch", "ENT-1102-SYD2")})
    commands = encode_commands(SWITCH, edits)
    for count in range(len(commands) + 1):
        accepted = commands[:count]
        done = [edit for command in accepted for edit in command.edits]
        present = patched(before, done)
        assert patched(present, [edit.inverted() for edit in done]) == before
        undo = encode_lines(SWITCH, [edit.inverted() for edit in done])
        assert len(undo) <= count
        if ("vlan 2110",) in [(*c.context, c.line) for c in accepted]:
            assert undo[-1] == ("no vlan 2110",)


@given(
    st.dictionaries(
        st.integers(1, 28),
        st.fixed_dictionaries(
            {
                "description": NAMES,
                "shutdown": st.sampled_from(["yes", "no"]),
                "mtu": st.just("1600"),
            }
        ),
        max_size=4,
    ),
    st.dictionaries(st.integers(2, 4094), NAMES, max_size=3),
)
def test_every_configuration_survives_being_written_and_read(
    ports: dict[Any, Any], vlans: Any
) -> None:
    tree = {("vlan " + str(number),): PRESENT for number in vlans}
    tree |= {(f"vlan {number}", "name"): name for number, name in vlans.items()}
    for number, settings in ports.items():
        section = f"interface GigabitEthernet0/{number}"
        tree[section,] = PRESENT
        tree |= {(section, step): value for step, value in settings.items()}

    read = decode(SWITCH, day1_text(SWITCH, tree))

    assert {path: value for path, value in read.items() if path in tree} == tree
    defaults = {"cdp enable", "lldp transmit", "lldp receive"}
    assert {path[-1] for path in read if path not in tree} <= defaults


def test_the_whole_file_of_a_router_reads_back_as_what_was_wanted(context: ContextOf) -> None:
    wanted = render(ROUTER, "ce-router", context("ENT-1102-MELB")).own
    read = decode(ROUTER, day1_text(ROUTER, wanted))
    differing = [path for path in wanted if read.get(path) != wanted[path]]
    assert len(differing) == 4
    assert all(ROUTER.is_secret(path) for path in differing)


def test_the_file_does_not_depend_on_the_order_of_the_tree(context: ContextOf) -> None:
    wanted = render(ROUTER, "ce-router", context("ENT-1102-MELB")).own
    assert day1_text(ROUTER, dict(sorted(wanted.items()))) == day1_text(ROUTER, wanted)


def test_secrets_enter_the_file_by_name_only(context: ContextOf) -> None:
    wanted = render(ROUTER, "ce-router", context("ENT-1102-MELB")).own
    asked = []

    def resolve(name: str) -> str:
        asked.append(name)
        return "s3cret"

    text = with_secrets(day1_text(ROUTER, wanted), resolve)
    assert set(asked) == {
        "bgp/ENT-1102-MELB", "ce-enable/ENT-1102-MELB", "ce-login/ENT-1102-MELB", "tacacs",
    }  # fmt: skip
    assert "secret:" not in text
    assert " neighbor 10.88.12.1 password s3cret\n" in text


def test_a_speed_change_makes_the_new_policy_before_it_leaves_the_old(context: ContextOf) -> None:
    before = render(ROUTER, "ce-router", context("ENT-1102-MELB")).own
    changed = dict(context("ENT-1102-MELB"))
    speed = {"bps": 800_000_000, "kbps": 800_000, "mbps": 800}
    changed["item"] = {**changed["item"], "qos": {**changed["item"]["qos"], "upstream": speed}}
    lines = encode_lines(ROUTER, difference(before, render(ROUTER, "ce-router", changed).own))
    last = [line[-1] for line in lines]
    assert last.index("policy-map PM-WAN-800M") < last.index("service-policy output PM-WAN-800M")
    assert last[-1] == "no policy-map PM-WAN-500M"


def test_numbered_entries_go_in_natural_order_and_leave_by_number() -> None:
    section = ("ip access-list standard ACL-MGMT",)
    tree = {
        section: PRESENT,
        (*section, "100 permit any"): PRESENT,
        (*section, "9 deny any"): PRESENT,
    }
    assert [line[-1] for line in encode_lines(ROUTER, difference({}, tree))] == [
        "ip access-list standard ACL-MGMT", "9 deny any", "100 permit any",
    ]  # fmt: skip
    gone = [Edit((*section, "100 permit any"), PRESENT, None)]
    assert encode_lines(ROUTER, gone) == [(*section, "no 100")]


def test_setting_inside_a_removed_section_is_a_contradiction() -> None:
    with pytest.raises(ProfileError, match="section that is removed"):
        encode_lines(
            SWITCH, [Edit(("vlan 7",), PRESENT, None), Edit(("vlan 7", "name"), None, "x")]
        )


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    decode(SWITCH, text)
    decode(SWITCH, f"{text}\n{text}")
    decode(SWITCH, f"banner motd {text}\n {text}")


CUSTOMER_PORT = "interface GigabitEthernet0/7"
LOOKS_LIKE_LINES = f"{CUSTOMER_PORT}\n shutdown\n switchport access vlan 666"


@pytest.mark.parametrize(
    "text",
    [
        f"aaa authentication fail-message ^C\nAccess is logged.\n{LOOKS_LIKE_LINES}\n^C",
        f"aaa authentication banner #\n{LOOKS_LIKE_LINES}\nlast words#",
        f"line vty 0 4\n vacant-message ^C\n{LOOKS_LIKE_LINES}\n^C\n refuse-message ^Cgo away^C",
        f"macro name port\n{LOOKS_LIKE_LINES}\n@",
        f"menu noc title ^C\n{LOOKS_LIKE_LINES}\n^C\nmenu noc text 1 Show clock",
        f"privilege note of a release to come ^C\n{LOOKS_LIKE_LINES}\n^C",
    ],
)
def test_text_for_people_is_no_configuration_whatever_it_says(text: str) -> None:
    tree = decode(SWITCH, f"{text}\n{CUSTOMER_PORT}\n switchport access vlan 7\nend\n")
    assert tree[CUSTOMER_PORT, "switchport access vlan"] == "7"
    assert tree[CUSTOMER_PORT, "shutdown"] == "no"
    assert not [path for path in tree if "666" in "".join((*path, tree[path]))]
    assert not [path for path in tree if "logged" in "".join(path)]


def test_what_only_looks_like_the_beginning_of_a_text_hides_nothing() -> None:
    tree = decode(SWITCH, f"{CUSTOMER_PORT}\n description to ^C\n switchport access vlan 7\n")
    assert tree[CUSTOMER_PORT, "description"] == "to ^C"
    assert tree[CUSTOMER_PORT, "switchport access vlan"] == "7"


def test_vlans_without_a_name_share_a_line_and_are_each_there() -> None:
    tree = decode(SWITCH, "vlan 10,20-22,2109\n!\nvlan 30\n name X\n")
    vlans = {path[0] for path in tree if path[0].startswith("vlan")}
    assert vlans == {f"vlan {number}" for number in (10, 20, 21, 22, 30, 2109)}


TRUNK = "interface TenGigabitEthernet0/1"
PASSING = (TRUNK, "switchport trunk allowed vlan[.='2110']")


@pytest.mark.parametrize(
    ("lines", "there"),
    [
        (" switchport mode trunk\n", True),
        (" switchport mode access\n", False),
        ("", False),
        (" switchport mode trunk\n switchport trunk allowed vlan none\n", False),
        (" switchport mode trunk\n switchport trunk allowed vlan 7\n", False),
        (" switchport mode trunk\n switchport trunk allowed vlan 7,2100-2120\n", True),
    ],
)
def test_a_trunk_without_a_list_carries_every_vlan(lines: str, there: bool) -> None:  # noqa: FBT001 - a parameter
    text = f"{TRUNK}\n{lines}"
    assert (PASSING in decode(SWITCH, text, [PASSING])) == there
    nobodys = implied(SWITCH, text, [PASSING])
    assert nobodys == (frozenset([PASSING]) if there and "allowed" not in lines else frozenset())
