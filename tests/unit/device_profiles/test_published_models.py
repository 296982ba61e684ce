"""What profiles render is valid against the published YANG modules, laid over the baselines."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import pytest
from lxml import etree

from device_profiles.profile import load_profile
from device_profiles.tree import Edit, Path
from device_profiles.yang import decode, encode_edit

TreeOf = Callable[[str, str], dict[Path, str]]

libyang = pytest.importorskip("oopt_gnpy_libyang")

CASES = {
    "bbf-olt": ("bbf", "olt/00-baseline-OLT-SOUTH-03.config.xml", "ENT-1102-MELB"),
    "openconfig-switch": (
        "openconfig",
        "p2p-switch/00-baseline-EAS-SYD-01.config.xml",
        "ENT-1102-SYD1",
    ),
    "ietf-twamp-probe": ("ietf-twamp", None, "ENT-1102-MELB"),
}
MODULES = {
    "bbf": (
        "ietf-interfaces", "bbf-interface-usage", "bbf-sub-interfaces",
        "bbf-sub-interface-tagging", "bbf-xpon", "bbf-xponvani", "bbf-xpongemtcont",
        "bbf-xpongemtcont-qos", "bbf-l2-dhcpv4-relay", "bbf-l2-forwarding", "bbf-qos-classifiers",
        "bbf-qos-policies", "bbf-qos-traffic-mngt", "bbf-subscriber-profiles",
        "bbf-qos-policies-sub-interfaces",
    ),
    "openconfig": (
        "openconfig-if-ethernet", "openconfig-interfaces",
        "openconfig-policy-forwarding", "openconfig-vlan", "openconfig-network-instance",
    ),
    "ietf-twamp": ("ietf-twamp",),
}  # fmt: skip


@lru_cache
def schema(folder: FilePath) -> Any:
    """Load the modules a profile needs, identities first: libyang resolves defaults as it goes."""
    libyang.set_log_options(libyang.LogOptions.Store)
    context = libyang.Context(str(folder), libyang.ContextOptions.NoYangLibrary)
    names = {file.stem.partition("@")[0] for file in folder.glob("*.yang")}
    types = sorted(name for name in names if name.endswith(("-types", "-type")))
    for name in (*types, *MODULES[folder.name]):
        context.load_module(name, None, ["*"])
    return context


def validate(folder: FilePath, config: etree._Element) -> None:
    text = "".join(etree.tostring(child, encoding="unicode") for child in config)
    options = libyang.ParseOptions.Strict | libyang.ParseOptions.NoState
    config_only = libyang.ValidationOptions.NoState
    data = schema(folder).parse_data(text, libyang.DataFormat.XML, options, config_only)
    assert data is not None


@pytest.mark.parametrize("profile_name", sorted(CASES))
def test_a_site_over_the_baseline_is_valid(
    profile_name: str,
    site_tree: TreeOf,
    payload: Callable[[str], etree._Element],
    yang_folder: FilePath,
) -> None:
    modules, baseline, site = CASES[profile_name]
    profile = load_profile(profile_name)
    tree = decode(profile, payload(baseline)) if baseline else {}
    tree |= site_tree(profile_name, site)

    validate(
        yang_folder / modules, encode_edit(profile, [Edit(p, None, v) for p, v in tree.items()])
    )


@pytest.mark.parametrize("profile_name", sorted(CASES))
def test_a_wrong_value_is_found_invalid(
    profile_name: str,
    site_tree: TreeOf,
    payload: Callable[[str], etree._Element],
    yang_folder: FilePath,
) -> None:
    """The validation above would notice: otherwise it proves nothing."""
    modules, baseline, site = CASES[profile_name]
    profile = load_profile(profile_name)
    tree = decode(profile, payload(baseline)) if baseline else {}
    tree |= site_tree(profile_name, site)
    wrong = {"bbf-olt": "onu-id", "openconfig-switch": "access-vlan"}.get(profile_name, "repeat")
    edits = [Edit(p, None, "99999999999" if p[-1] == wrong else v) for p, v in tree.items()]

    with pytest.raises(libyang.Error):
        validate(yang_folder / modules, encode_edit(profile, edits))
