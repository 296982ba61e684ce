from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from device_profiles.circuit import circuit_id
from device_profiles.errors import ProfileError
from device_profiles.profile import load_profile

ContextOf = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize(
    ("profile", "site"),
    [
        ("bbf-olt", "ENT-1102-MELB"),
        ("sros-bng", "ENT-1102-SYD1"),
        ("sros-bng", "ENT-1102-SYD2"),
    ],
)
def test_it_is_what_the_site_is_known_by(context: ContextOf, profile: str, site: str) -> None:
    made = context(site)
    assert circuit_id(load_profile(profile), made) == made["circuit_id"]


@pytest.mark.parametrize("profile", ["openconfig-switch", "ios-switch"])
def test_a_switch_writes_the_ethernet_form(context: ContextOf, profile: str) -> None:
    made = circuit_id(load_profile(profile), context("ENT-1102-SYD1"))
    assert made == "EAS-SYD-01 eth GigabitEthernet0/12:2109"


@pytest.mark.parametrize("missing", ["bearer", "vlan", "onu_id"])
def test_it_waits_for_what_is_in_it(context: ContextOf, missing: str) -> None:
    made = deepcopy(context("ENT-1102-MELB"))
    del made["res"][missing]
    assert circuit_id(load_profile("bbf-olt"), made) is None


def test_a_resource_without_a_value_in_it_is_an_error_and_no_gap(context: ContextOf) -> None:
    made = deepcopy(context("ENT-1102-MELB"))
    del made["res"]["bearer"]["port"]
    with pytest.raises(ProfileError, match=r"bbf-olt: circuit_id: .*port"):
        circuit_id(load_profile("bbf-olt"), made)


def test_a_value_cannot_add_control_characters(context: ContextOf) -> None:
    made = deepcopy(context("ENT-1102-MELB"))
    made["res"]["bearer"]["port"] = "2/8\n"
    with pytest.raises(ProfileError, match="control character"):
        circuit_id(load_profile("bbf-olt"), made)


def test_a_platform_that_inserts_none_says_so(context: ContextOf) -> None:
    with pytest.raises(ProfileError, match=r"kea-dhcp4 .*option 82"):
        circuit_id(load_profile("kea-dhcp4"), context("ENT-1102-MELB"))
