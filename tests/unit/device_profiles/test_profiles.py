import re
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pytest
import yaml

from device_profiles.checks import CheckResult, checks
from device_profiles.dialects import CliDialect, NetconfDialect
from device_profiles.errors import ProfileError
from device_profiles.profile import load_profile, profiles

ContextOf = Callable[[str], dict[str, Any]]

MINIMAL = {
    "name": "toy",
    "title": "Toy",
    "roles": ["access"],
    "driver": "netconf",
    "fragments": [],
    "yang": {"namespaces": {"toy": "urn:toy"}},
}


def written(folder: FilePath, **changes: Any) -> FilePath:
    (folder / "toy").mkdir()
    document = {key: value for key, value in (MINIMAL | changes).items() if value is not None}
    (folder / "toy" / "profile.yaml").write_text(yaml.safe_dump(document))
    return folder


def test_every_platform_of_the_lab_has_a_profile() -> None:
    assert set(profiles()) >= {
        "bbf-olt", "openconfig-switch", "ios-switch", "sros-bng", "iosxe-ce", "ietf-twamp-probe",
        "net-snmp-agent", "kea-dhcp4", "kea-dhcp6", "freeradius-sql", "logistics-rest",
        "junos-bng", "iosxr-bng", "frr-ce",
    }  # fmt: skip


@pytest.mark.parametrize("name", profiles())
def test_every_profile_loads_and_has_a_title(name: str) -> None:
    assert load_profile(name).title


def test_command_line_platforms_name_their_library() -> None:
    for name, named in (
        ("ios-switch", ("netmiko", "cisco_ios")),
        ("iosxe-ce", ("scrapli", "cisco_iosxe")),
    ):
        dialect = load_profile(name).dialect
        assert isinstance(dialect, CliDialect)
        assert (dialect.library, dialect.platform) == named


def test_a_netconf_platform_without_a_dialect_has_the_plain_one(tmp_path: FilePath) -> None:
    assert load_profile("toy", written(tmp_path)).dialect == NetconfDialect()


def test_an_unknown_profile_is_named_with_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=r"no profile 'nonesuch'.*bbf-olt"):
        load_profile("nonesuch")


def test_a_name_cannot_leave_the_folder_of_profiles() -> None:
    with pytest.raises(ProfileError):
        load_profile("../device_profiles/bbf-olt")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"driver": "telnet"}, "driver"),
        ({"colour": "blue"}, "colour"),
        ({"dialect": {"commit_timeout": 0}}, "dialect.netconf.commit_timeout"),
        ({"driver": "cli"}, "dialect.cli.library"),
        ({"dialect": {"library": "scrapli"}}, "dialect.netconf.library"),
        ({"yang": None}, "exactly one of yang"),
        ({"fragments": ["vlan-service"]}, "vlan-service"),
        ({"checks": {"x": [{"name": "n", "expect": "up"}]}}, "checks.x.0"),
        ({"name": "other"}, "name"),
        ({"day0": "day0.j2"}, "day0"),
        ({"day0": "../day0.j2"}, "day0"),
        ({"circuit_id": {"text": "x", "needs": []}}, "circuit_id.needs"),
        ({"dialect": {"confirmed_commit": "perhaps"}}, "dialect.netconf.confirmed_commit"),
    ],
)
def test_a_wrong_profile_is_refused_with_file_and_field(
    tmp_path: FilePath, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ProfileError, match=r"profile\.yaml") as error:
        load_profile("toy", written(tmp_path, **changes))
    assert field in str(error.value)


def test_a_profile_that_is_no_mapping_is_refused(tmp_path: FilePath) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "profile.yaml").write_text("- a\n- list\n")
    with pytest.raises(ProfileError, match="must hold a mapping"):
        load_profile("toy", tmp_path)


@pytest.mark.parametrize(
    ("value", "result", "reason"),
    [
        ("bbf-xpon-onu-types:onu-present-and-on-intended-channel-termination", "passed", ""),
        ("bbf-xpon-onu-types:onu-not-present-with-v-ani", "waiting", "AWAITING_ONU"),
        (None, "waiting", "AWAITING_ONU"),
        ("bbf-xpon-onu-types:onu-present-and-no-v-ani-known-and-in-o5", "failed", "WRONG_ONT"),
    ],
)
def test_presence_of_an_ont_is_judged_by_its_state(
    context: ContextOf, value: Any, result: str, reason: str
) -> None:
    check = checks(load_profile("bbf-olt"), "gpon-bearer", context("ENT-1102-MELB"))[0]
    assert check.judge(value) == (CheckResult(result), reason)


def test_another_serial_is_the_wrong_ont(context: ContextOf) -> None:
    check = checks(load_profile("bbf-olt"), "gpon-bearer", context("ENT-1102-MELB"))[1]
    assert check.judge("ALCLFA3B91C2") == (CheckResult.PASSED, "")
    assert check.judge("ALCLFFFFFFFF") == (CheckResult.FAILED, "WRONG_ONT")


def test_a_profile_reads_what_another_with_the_same_data_model_has_written() -> None:
    nokia = load_profile("sros-bng")
    assert nokia.model_copy(update={"limits": {}, "fragments": ()}).has_model_of(nokia)
    for other in ("junos-bng", "bbf-olt", "ios-switch"):
        assert not load_profile(other).has_model_of(nokia)
    assert not load_profile("ios-switch").has_model_of(load_profile("iosxe-ce"))


@pytest.mark.parametrize(
    ("value", "reason"), [("4", ""), ("Active", "BGP_DOWN"), (None, "BGP_DOWN")]
)
def test_bgp_is_up_when_the_router_counts_prefixes(
    context: ContextOf, value: Any, reason: str
) -> None:
    bgp = checks(load_profile("iosxe-ce"), "ce-router", context("ENT-1102-MELB"))[-1]
    result, found = bgp.judge(value)
    assert (result is CheckResult.PASSED) == (reason == "")
    assert found == reason


def test_the_bgp_pattern_finds_the_state_of_our_neighbour_only(context: ContextOf) -> None:
    shown = (
        "Neighbor        V           AS MsgRcvd MsgSent   TblVer  InQ OutQ Up/Down  State/PfxRcd\n"
        "10.88.12.10     4        64500      12      14        5    0    0 00:03:21        9\n"
        "10.88.12.1      4        64500       0       0        1    0    0 never    Idle\n"
    )
    bgp = checks(load_profile("iosxe-ce"), "ce-router", context("ENT-1102-MELB"))[-1]
    assert re.search(bgp.pattern, shown)[1] == "Idle"
