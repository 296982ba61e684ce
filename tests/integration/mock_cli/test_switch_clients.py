"""The simulated switch, driven by the clients that drive real ones."""

import time
from typing import Any

import pytest
from netmiko.exceptions import ReadException

from mock_devices.cli.device import CliDevice, Credentials

SITE = [
    "vlan 2110",
    "name ENT-1102-SYD2",
    "interface GigabitEthernet0/7",
    "description SI-FA-ENT-1102-SYD2",
    "switchport mode access",
    "switchport access vlan 2110",
    "storm-control broadcast level 1.00",
    "no cdp enable",
    "no shutdown",
    "interface TenGigabitEthernet0/1",
    "switchport trunk allowed vlan add 2110",
]


@pytest.fixture(params=["netmiko", "scrapli"])
def client(request: pytest.FixtureRequest, switch: Any) -> Any:
    """A client as three functions: show, configure, close."""
    if request.param == "netmiko":
        connection = switch.netmiko()
        yield connection.send_command, connection.send_config_set
        connection.disconnect()
    else:
        connection = switch.scrapli()
        connection.open()
        yield (
            lambda command: connection.send_command(command).result,
            lambda lines: connection.send_configs(lines).result,
        )
        connection.close()


def test_both_clients_configure_a_site_and_read_it_back(client: Any, switch: Any) -> None:
    show, configure = client
    assert "% " not in configure(SITE)
    section = show("show running-config interface gi0/7")
    assert " switchport access vlan 2110\n" in section + "\n"
    assert " no cdp enable" in section
    assert "no shutdown" not in section
    assert "Version 15.2(7)E8" in show("show version")
    assert switch.device.record.configuration_lines() == SITE


def test_both_clients_see_where_a_line_is_wrong(client: Any, switch: Any) -> None:
    show, configure = client
    output = configure(["interface GigabitEthernet0/7", "switchport bogus 5"])
    rows = output.splitlines()
    marked = next(i for i, row in enumerate(rows) if "% Invalid input detected" in row)
    typed = next(row for row in rows if "switchport bogus" in row)
    if "#" in typed:
        assert rows[marked - 1].index("^") == typed.index("bogus")
    assert "% Incomplete command." in configure(["interface GigabitEthernet0/7", "description"])
    assert "switchport" not in show("show running-config interface gi0/7")
    assert switch.device.record.counters["refused"] == 2


def test_a_wrong_password_is_refused(switch: Any) -> None:
    switch.credentials = Credentials("rom", "wrong")
    with pytest.raises(Exception, match=r"(?i)auth"):
        switch.netmiko()
    assert switch.device.record.counters["logins_refused"] >= 1


def test_a_changed_host_key_is_noticed(switch: Any, loop: Any) -> None:
    other = loop.call(lambda: CliDevice("X", "ios-switch", switch.credentials, switch.folder / "x"))
    switch.keys.write_text(f"[127.0.0.1]:{switch.port} {other.public_key}\n")
    with pytest.raises(Exception, match=r"(?i)host key|known"):
        switch.netmiko()


def test_the_prompt_follows_the_hostname(switch: Any) -> None:
    connection = switch.netmiko()
    connection.send_config_set(["hostname EAS-NEW"])
    connection.set_base_prompt()
    assert connection.find_prompt() == "EAS-NEW#"
    connection.disconnect()


def test_long_output_stops_at_the_pager_until_a_key_is_pressed(switch: Any) -> None:
    connection = switch.netmiko()
    connection.send_command("terminal length 24")
    page = connection.send_command("show running-config", expect_string="--More--")
    assert "end" not in page.splitlines()
    connection.write_channel("q")
    connection.find_prompt()
    connection.send_command("terminal length 0")
    assert connection.send_command("show running-config").splitlines()[-1] == "end"
    connection.disconnect()


def test_what_was_not_saved_is_lost_by_a_reload(switch: Any, loop: Any) -> None:
    connection = switch.netmiko()
    connection.send_config_set(SITE)
    connection.save_config()
    connection.send_config_set(["no vlan 2110", "interface GigabitEthernet0/8", "description lost"])
    connection.write_channel("reload\n")
    assert "Save? [yes/no]" in connection.read_until_pattern(r"yes/no\]: ")
    connection.write_channel("no\n")
    connection.read_until_pattern(r"\[confirm\]")
    connection.write_channel("\n")
    with pytest.raises((ReadException, OSError, EOFError)):
        connection.read_until_pattern("never", read_timeout=1)
    again = switch.netmiko()
    text = again.send_command("show running-config")
    assert "vlan 2110" in text
    assert "description lost" not in text
    again.disconnect()


def test_copying_to_startup_asks_for_the_name_unless_told_to_be_quiet(switch: Any) -> None:
    connection = switch.netmiko()
    connection.write_channel("copy running-config startup-config\n")
    connection.read_until_pattern(r"Destination filename \[startup-config\]\? $")
    connection.write_channel("\n")
    assert "[OK]" in connection.read_until_pattern("#")
    connection.send_config_set(["file prompt quiet"])
    assert "[OK]" in connection.send_command("copy running-config startup-config")
    connection.disconnect()
    assert switch.device.record.counters["writes"] == 2


def test_an_unconfirmed_change_is_taken_back_when_the_timer_ends(switch: Any) -> None:
    before = switch.device.running_config
    connection = switch.netmiko()
    connection.send_command("configure terminal revert timer 1", expect_string=r"\(config\)#")
    for line in SITE:
        connection.send_command(line, expect_string=r"#")
    assert switch.device.running_config != before
    deadline = time.monotonic() + 60  # ends as soon as it is so
    while switch.device.running_config != before and time.monotonic() < deadline:
        connection.find_prompt()
    assert switch.device.running_config == before
    connection.disconnect()


def test_a_confirmed_change_stays_and_revert_now_takes_back(switch: Any, loop: Any) -> None:
    connection = switch.scrapli()
    connection.open()
    before = switch.device.running_config
    for command in ("configure confirm", "configure revert now"):
        connection.acquire_priv("privilege_exec")
        connection.channel.send_input("configure terminal revert timer 100")
        connection.channel.send_input("vlan 3001")
        connection.channel.send_input("end")
        connection.send_command(command)
        assert ("vlan 3001" in switch.device.running_config) == command.endswith("confirm")
        connection.send_configs(["no vlan 3001"])
        assert switch.device.running_config == before
    assert "pending" in connection.send_command("configure confirm").result
    connection.close()


def test_ordered_faults_happen_once(switch: Any, loop: Any) -> None:
    faults = switch.device.faults
    faults.refuse("vlan 2110", "% TCAM is full")
    faults.make_noise("%LINK-3-UPDOWN: Interface GigabitEthernet0/3, changed state to up")
    connection = switch.netmiko()
    output = connection.send_config_set(["vlan 2110", "vlan 2110"])
    assert output.count("% TCAM is full") == 1
    connection.disconnect()
    faults.drop_session_after(2)
    again = switch.netmiko()
    with pytest.raises((ReadException, OSError, EOFError)):
        again.send_config_set(SITE, read_timeout=1)
    assert switch.device.record.configuration_lines()[-2:] == SITE[:2]


def test_configurations_outlive_a_restart_of_the_simulation(switch: Any, loop: Any) -> None:
    connection = switch.netmiko()
    connection.send_config_set(SITE)
    connection.disconnect()
    text, key = switch.device.running_config, switch.device.public_key
    loop.run(switch.device.stop())
    switch.device = CliDevice(
        "EAS-SYD-02", "ios-switch", switch.credentials, switch.folder / "state"
    )
    switch.port = loop.run(switch.device.start())
    assert (switch.device.running_config, switch.device.public_key) == (text, key)


def test_a_user_without_privilege_needs_enable(start_switch: Any) -> None:
    connection = start_switch(Credentials("noc", "pw", enable="more", privilege=1)).netmiko()
    assert connection.find_prompt() == "EAS-SYD-02>"
    assert "% Invalid input" in connection.send_command("show running-config")
    connection.enable()
    assert connection.find_prompt() == "EAS-SYD-02#"
    assert "more" not in connection.send_command("show running-config | include secret")
    connection.disconnect()
