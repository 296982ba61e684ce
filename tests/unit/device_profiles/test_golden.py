"""What every fragment of every platform looks like on the wire, for the example sites."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from device_profiles.checks import checks, exec_lines
from device_profiles.cli import day1_text
from device_profiles.fragment import Fragment, merged
from device_profiles.native import native
from device_profiles.profile import load_profile, profiles
from device_profiles.render import render
from device_profiles.tree import PRESENT, Path, difference, path_text
from tests.agreed import GOLDEN, SPECIFICATIONS, agreed_fragments, all_agreed
from tests.contexts import ALL_SITES, SITES_OF

ContextOf = Callable[[str], dict[str, Any]]

TreeOf = Callable[[str, str], dict[Path, str]]


def test_a_fragment_looks_as_agreed(
    profile_name: str,
    fragment_name: str,
    site: str,
    context: ContextOf,
    golden: Callable[[str, str], None],
) -> None:
    profile = load_profile(profile_name)
    fragment = render(profile, fragment_name, context(site))

    text = native(profile, difference({}, fragment.own))
    for item in fragment.shared:
        text += f"\nshared {path_text(item.root)}\n{native(profile, difference({}, item.tree))}"

    golden(f"{profile_name}/{fragment_name}-{site}.txt", text)


def test_every_fragment_of_a_shipped_specification_has_been_agreed() -> None:
    shipped = {
        entry["fragment"]
        for file in SPECIFICATIONS
        for entry in yaml.safe_load(file.read_text(encoding="utf-8")).get("configure", [])
    }
    for name in profiles():
        profile = load_profile(name)
        agreed = {
            fragment
            for site in SITES_OF.get(name, ALL_SITES)
            for fragment in agreed_fragments(profile, site)
        }
        assert shipped & set(profile.fragments) <= agreed, name


def test_the_same_context_gives_the_same_bytes(
    profile_name: str, fragment_name: str, site: str, context: ContextOf
) -> None:
    profile = load_profile(profile_name)
    first = render(profile, fragment_name, context(site))
    second = render(profile, fragment_name, context(site))
    assert list(first.own.items()) == list(second.own.items())
    assert first.shared == second.shared


def test_checks_look_as_agreed(context: ContextOf, golden: Callable[[str, str], None]) -> None:
    known = all_agreed()
    for name in profiles():
        profile = load_profile(name)
        if not (GOLDEN / name).is_dir():
            continue
        site = SITES_OF.get(name, ("ENT-1102-MELB",))[0]
        lines = []
        for fragment in sorted(known & set(profile.checks)):
            for check in checks(profile, fragment, context(site)):
                asked = path_text(check.path) if check.path else check.command
                lines.append(f"{fragment} {check.name}: {asked} = {check.expect}")
        golden(f"{name}/checks.txt", "\n".join([*lines, ""]))


def test_the_whole_file_of_a_router_looks_as_agreed(
    context: ContextOf, golden: Callable[[str, str], None]
) -> None:
    profile = load_profile("iosxe-ce")
    for site in ("ENT-1102-MELB", "ENT-1102-SYD1", "ENT-1102-SYD2"):
        rendered = {
            name: render(profile, name, context(site)) for name in agreed_fragments(profile, site)
        }
        text = day1_text(profile, merged(rendered).own)
        golden(f"iosxe-ce/day1-{site}.cfg", text)
    assert exec_lines(profile, "ce-router", context("ENT-1102-MELB")) == (
        "snmp-server user nmsuser NMS v3 auth sha-2 256 secret:snmp-auth/ENT-1102-MELB "
        "priv aes 128 secret:snmp-priv/ENT-1102-MELB",
    )


def test_the_reflector_is_no_part_of_the_day_one_file(context: ContextOf) -> None:
    profile = load_profile("iosxe-ce")
    tree = render(profile, "ce-router", context("ENT-1102-MELB")).own
    assert "ip sla" not in day1_text(profile, tree)


def test_no_order_can_change_a_description() -> None:
    """A later order must not touch what an earlier one wrote."""
    for name in profiles():
        for file in (load_profile(name).folder / "fragments").iterdir():
            assert "order" not in file.read_text().lower().replace("in an order", ""), file


def test_qos_lies_over_the_bearer_on_the_same_leaf(site_tree: TreeOf) -> None:
    tree = site_tree("bbf-olt", "ENT-1102-MELB")
    tcont = ("bbf-xpongemtcont:xpongemtcont", "tconts", "tcont[name='tcont-ENT-1102-MELB-1']")
    assert tree[*tcont, "traffic-descriptor-profile-ref"] == "TDP-BW-500-GOLD"
    assert tree[tcont] == PRESENT


def test_rates_are_bits_on_the_olt_and_kilobits_on_the_bng(site_tree: TreeOf) -> None:
    olt = site_tree("bbf-olt", "ENT-1102-MELB")
    bng = site_tree("sros-bng", "ENT-1102-MELB")
    assert {v for p, v in olt.items() if p[-1] == "assured-bandwidth"} == {"525000000"}
    assert {v for p, v in bng.items() if p[-1] == "pir"} == {"500000"}


def test_the_bng_writes_option_82_only_where_the_access_node_cannot(context: ContextOf) -> None:
    profile = load_profile("sros-bng")

    def option82(site: str) -> dict[str, str]:
        own = render(profile, "ip-profile", context(site)).own
        return {
            "/".join(p[p.index("option-82") + 1 :]): v for p, v in own.items() if "option-82" in p
        }

    assert option82("ENT-1102-MELB") == {"action": "keep"}
    assert option82("ENT-1102-SYD1") == {"action": "replace", "circuit-id/ascii-tuple": PRESENT}


@pytest.mark.parametrize(
    ("profile_name", "fragment"),
    [("sros-bng", "ip-profile"), ("iosxe-ce", "ce-router"), ("freeradius-sql", "ip-profile")],
)
def test_an_order_for_ipv4_only_is_rendered_without_anything_of_ipv6(
    profile_name: str, fragment: str, context: ContextOf
) -> None:
    profile = load_profile(profile_name)
    assert "ipv6" not in context("ENT-1102-SYD2-ipv4")["res"]
    single = render(profile, fragment, context("ENT-1102-SYD2-ipv4"))
    both = render(profile, fragment, context("ENT-1102-SYD2"))
    assert "ipv6" not in str(single.own).lower()
    assert single.own.items() < both.own.items()
    assert all("ipv6" in str(one).lower() for one in both.own.items() - single.own.items())


def test_shared_objects_are_the_same_for_every_site_of_a_customer(context: ContextOf) -> None:
    for name, fragment in (("sros-bng", "vlan-service"), ("sros-bng", "qos-policy")):
        profile = load_profile(name)
        hashes = [
            {item.root: item.content_hash for item in render(profile, fragment, context(s)).shared}
            for s in ("ENT-1102-MELB", "ENT-1102-SYD1")
        ]
        assert hashes[0]
        assert hashes[0] == hashes[1]


def test_what_is_shared_is_nobodys_own(context: ContextOf) -> None:
    profile = load_profile("sros-bng")
    rendered: dict[str, Fragment] = {
        name: render(profile, name, context("ENT-1102-MELB"))
        for name in agreed_fragments(profile, "ENT-1102-MELB")
    }
    whole = merged(rendered)
    for item in whole.shared:
        assert not set(item.tree) & set(whole.own)
