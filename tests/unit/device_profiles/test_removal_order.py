"""What a command line takes back, it takes back from the end: nothing goes before its users."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.cli import encode_commands, encode_lines
from device_profiles.profile import load_profile
from device_profiles.tree import PRESENT, Edit, Path

ROUTER = load_profile("iosxe-ce")
SECTIONS: list[Path] = [
    ("vrf definition MGMT",),
    ("ip access-list standard ACL-9",),
    ("ip access-list standard ACL-10",),
    ("class-map match-any CM-VOICE",),
    ("policy-map PM-CHILD",),
    ("policy-map PM-WAN",),
    ("interface Loopback0",),
    ("router bgp 65112",),
]


def creation(path: Path) -> Edit:
    return Edit(path, None, PRESENT)


def removal(path: Path) -> Edit:
    return creation(path).inverted()


@given(st.lists(st.sampled_from(SECTIONS), unique=True, min_size=2))
def test_sections_leave_in_the_reverse_of_the_order_in_which_they_came(paths: list[Path]) -> None:
    made = [line[-1] for line in encode_lines(ROUTER, [creation(path) for path in paths])]
    gone = [line[-1] for line in encode_lines(ROUTER, [removal(path) for path in paths])]
    assert gone == [f"no {line}" for line in reversed(made)]


def test_a_policy_goes_before_the_class_that_it_names() -> None:
    policy, named = ("policy-map PM-WAN",), ("class-map match-any CM-VOICE",)
    assert encode_lines(ROUTER, [removal(named), removal(policy)]) == [
        ("no policy-map PM-WAN",),
        ("no class-map match-any CM-VOICE",),
    ]


def test_lines_of_one_section_leave_from_the_last() -> None:
    section = ("ip access-list standard ACL-MGMT",)
    lines = [(*section, f"{number} permit host 10.0.0.{number}") for number in (9, 10, 100)]
    assert encode_lines(ROUTER, [removal(line) for line in lines]) == [
        (*section, "no 100"),
        (*section, "no 10"),
        (*section, "no 9"),
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_users_let_go_before_anything_is_made_and_what_they_used_goes_at_the_end(
    first: int,
) -> None:
    wan = ("interface GigabitEthernet0/0/0", "service-policy output")
    edits = [
        Edit(wan, "PM-OLD", "PM-NEW"),
        creation(("policy-map PM-NEW",)),
        removal(("policy-map PM-OLD",)),
        Edit((wan[0], "description"), "old", None),
    ]
    order = edits[first:] + edits[:first]
    assert [command.line for command in encode_commands(ROUTER, order)] == [
        "no description",
        "policy-map PM-NEW",
        "service-policy output PM-NEW",
        "no policy-map PM-OLD",
    ]
