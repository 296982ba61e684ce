from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from mock_devices.services.kea.decision import offer
from mock_devices.services.kea.families import FAMILIES
from mock_devices.services.kea.filling import filled
from mock_devices.services.kea.server import KeaServer

Json = dict[str, Any]


@pytest.fixture
def server(tmp_path: Path, dhcp4: Json) -> KeaServer:
    return KeaServer(FAMILIES["dhcp4"], tmp_path, dhcp4)


def subnets(configuration: Json) -> list[Json]:
    found: list[Json] = configuration["Dhcp4"]["subnet4"]
    return found


def shown(configuration: Json) -> Json:
    """The configuration with all that nobody has set."""
    return {"Dhcp4": filled(4, configuration["Dhcp4"])}


def second_subnet(**changes: Any) -> Json:
    return {"id": 2109, "subnet": "10.88.13.0/29", **changes}


REFUSED = {
    "a subnet id twice": (second_subnet(id=2108), "'2108' is already in use"),
    "the same prefix twice": (
        second_subnet(subnet="10.88.12.0/29"),
        "subnet with the prefix of '10.88.12.0/29' already exists",
    ),
    "a prefix inside another": (second_subnet(subnet="10.88.12.4/30"), "overlaps"),
    "a prefix around another": (second_subnet(subnet="10.88.8.0/21"), "overlaps"),
    "no prefix at all": ({"id": 5}, "mandatory 'subnet' parameter"),
    "an IPv6 prefix": (second_subnet(subnet="2001:db8::/64"), "Invalid IPv4 subnet"),
    "an unknown keyword": (second_subnet(relais={}), 'unexpected keyword "relais" in subnet4'),
    "a number as text": (second_subnet(id="9"), "unexpected constant string, expecting integer"),
    "a flag as number": (second_subnet(id=True), "unexpected boolean, expecting integer"),
    "a reservation outside": (
        second_subnet(reservations=[{"circuit-id": "'a'", "ip-address": "10.88.14.2"}]),
        "specified reservation '10.88.14.2' is not within the IPv4 subnet '10.88.13.0/29'",
    ),
    "a circuit-id twice": (
        second_subnet(
            reservations=[
                {"circuit-id": "'ab'", "ip-address": "10.88.13.2"},
                {"circuit-id": "6162", "ip-address": "10.88.13.3"},
            ]
        ),
        "this host has already been added",
    ),
    "an address twice": (
        second_subnet(
            reservations=[
                {"circuit-id": "'a'", "ip-address": "10.88.13.2"},
                {"circuit-id": "'b'", "ip-address": "10.88.13.2"},
            ]
        ),
        "already reserved",
    ),
    "a circuit-id without quotes": (
        second_subnet(reservations=[{"circuit-id": "OLT 1/1"}]),
        "invalid host identifier value 'OLT 1/1'",
    ),
    "no identifier": (
        second_subnet(reservations=[{"ip-address": "10.88.13.2"}]),
        "one of the supported identifiers",
    ),
    "two identifiers": (
        second_subnet(reservations=[{"circuit-id": "'a'", "hw-address": "00:11:22:33:44:55"}]),
        "mutually exclusive",
    ),
    "an option nobody defined": (
        second_subnet(**{"option-data": [{"name": "router", "data": "10.88.13.1"}]}),
        "definition for the option 'dhcp4.router' does not exist",
    ),
    "a router that is no address": (
        second_subnet(**{"option-data": [{"name": "routers", "data": "gateway"}]}),
        "unable to convert 'gateway'",
    ),
    "a relay that is no address": (
        second_subnet(relay={"ip-addresses": ["10.88.13"]}),
        "Failed to convert '10.88.13'",
    ),
    "a pool elsewhere": (
        second_subnet(pools=[{"pool": "10.99.0.1 - 10.99.0.9"}]),
        "does not match the prefix",
    ),
}


@pytest.mark.parametrize("command", ["config-test", "config-set"])
@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.replace(" ", "-"))
def test_a_configuration_kea_does_not_take_is_refused_and_changes_nothing(
    server: KeaServer, dhcp4: Json, case: str, command: str
) -> None:
    subnet, message = REFUSED[case]
    wanted = deepcopy(dhcp4)
    subnets(wanted).append(subnet)
    reply = server.command(command, wanted)
    assert reply["result"] == 1
    assert message in reply["text"]
    assert server.configuration() == shown(dhcp4)


def test_config_set_replaces_everything_and_config_test_changes_nothing(
    server: KeaServer, dhcp4: Json
) -> None:
    wanted = deepcopy(dhcp4)
    subnets(wanted).append(second_subnet())
    assert server.command("config-test", wanted)["result"] == 0
    assert server.configuration() == shown(dhcp4)
    assert server.command("config-set", wanted)["result"] == 0
    assert server.command("config-get", None)["arguments"] == shown(wanted)


def test_what_was_not_written_is_lost_at_a_restart(server: KeaServer, dhcp4: Json) -> None:
    wanted = deepcopy(dhcp4)
    subnets(wanted).append(second_subnet())
    server.command("config-set", wanted)
    server.restart()
    assert server.configuration() == shown(dhcp4)


def test_what_was_written_is_there_for_the_next_process(
    server: KeaServer, dhcp4: Json, tmp_path: Path
) -> None:
    wanted = deepcopy(dhcp4)
    subnets(wanted).append(second_subnet())
    server.command("config-set", wanted)
    written = server.command("config-write", None)
    assert written["result"] == 0
    assert written["arguments"]["filename"] == str(server.file)
    assert KeaServer(FAMILIES["dhcp4"], tmp_path, dhcp4).configuration() == shown(wanted)


def test_config_write_does_not_leave_its_folder(server: KeaServer, tmp_path: Path) -> None:
    reply = server.command("config-write", {"filename": "../../elsewhere.conf"})
    assert reply["arguments"]["filename"] == str(tmp_path / "elsewhere.conf")


@pytest.mark.parametrize("name", ["subnet4-add", "reservation-add", "no-such-command"])
def test_commands_of_hooks_that_are_not_installed_are_not_supported(
    server: KeaServer, name: str
) -> None:
    assert server.command(name, {}) == {
        "result": 2,
        "text": f"'{name}' command not supported.",
    }


def test_a_delegated_prefix_shorter_than_its_pool_is_refused(tmp_path: Path, dhcp6: Json) -> None:
    server = KeaServer(FAMILIES["dhcp6"], tmp_path, dhcp6)
    wanted = deepcopy(dhcp6)
    wanted["Dhcp6"]["subnet6"][0]["pd-pools"][0]["delegated-len"] = 40
    reply = server.command("config-test", wanted)
    assert reply["result"] == 1
    assert "delegated prefix length (40)" in reply["text"]


def test_the_reservation_is_found_by_relay_and_circuit_id(dhcp4: Json) -> None:
    made = offer(dhcp4, "10.88.12.1", "OLT-SOUTH-03 xpon 2/8/17:2108")
    assert made is not None
    assert (made.address, made.interface.network.prefixlen) == ("10.88.12.2", 29)
    assert made.routers == ("10.88.12.1",)
    assert made.boot_file == "http://127.0.0.1:8/ztp.py"
    assert made.lifetime == 86400


@pytest.mark.parametrize(
    ("giaddr", "circuit_id"),
    [
        ("10.88.12.1", "OLT-SOUTH-03 xpon 2/8/18:2108"),
        ("10.88.12.1", None),
        ("10.88.99.1", "OLT-SOUTH-03 xpon 2/8/17:2108"),
    ],
)
def test_another_circuit_or_relay_gets_no_offer(
    dhcp4: Json, giaddr: str, circuit_id: str | None
) -> None:
    assert offer(dhcp4, giaddr, circuit_id) is None


def test_a_circuit_id_written_as_quoted_text_is_the_same_circuit(dhcp4: Json) -> None:
    circuit_id = "OLT-SOUTH-03 xpon 2/8/17:2108"
    subnets(dhcp4)[0]["reservations"][0]["circuit-id"] = f"'{circuit_id}'"
    assert offer(dhcp4, "10.88.12.1", circuit_id) is not None


def test_a_circuit_id_is_reported_in_hexadecimal_however_it_was_written(
    server: KeaServer, dhcp4: Json
) -> None:
    wanted = deepcopy(dhcp4)
    subnets(wanted)[0]["reservations"][0]["circuit-id"] = "'OLT-SOUTH-03 xpon 2/8/17:2108'"
    assert server.command("config-set", wanted)["result"] == 0
    assert server.command("config-get", None)["arguments"] == shown(dhcp4)


def test_without_circuit_id_among_the_identifiers_reservations_by_it_do_not_count(
    dhcp4: Json,
) -> None:
    dhcp4["Dhcp4"]["host-reservation-identifiers"] = ["hw-address"]
    assert offer(dhcp4, "10.88.12.1", "OLT-SOUTH-03 xpon 2/8/17:2108") is None


def test_what_nobody_has_set_is_shown_as_the_server_has_it(server: KeaServer, dhcp4: Json) -> None:
    wanted = deepcopy(dhcp4)
    wanted["Dhcp4"] |= {"valid-lifetime": 1800, "max-valid-lifetime": 5400}
    options = [{"name": "routers", "data": "10.88.13.1"}]
    subnets(wanted).append(second_subnet(**{"option-data": options}))
    assert server.command("config-set", wanted)["result"] == 0
    found = subnets(server.configuration())[-1]
    assert found["relay"] == {"ip-addresses": []}
    assert (found["t2-percent"], found["4o6-interface"]) == (0.875, "")
    lifetimes = [found[f"{bound}valid-lifetime"] for bound in ("", "min-", "max-")]
    assert lifetimes == [1800, 1800, 5400]
    (option,) = found["option-data"]
    assert option == options[0] | {
        "always-send": False, "code": 3, "csv-format": True, "space": "dhcp4"
    }  # fmt: skip
    assert server.command("config-set", server.configuration())["result"] == 0
    assert subnets(server.configuration())[-1] == found
