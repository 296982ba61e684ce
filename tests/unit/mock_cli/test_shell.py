"""Sessions: modes, prompts, pipes and what is written down about them."""

import asyncio
from typing import Any

import pytest

from mock_devices.cli.commands import COMMON
from mock_devices.cli.record import without_secrets
from mock_devices.cli.shell import Shell, UnansweredError
from mock_devices.cli.switch_commands import SWITCH


def session(machine: Any, privilege: int = 15) -> Shell:
    return Shell(machine, {**COMMON, **SWITCH}, user="u", privilege=privilege)


def run(shell: Shell, *lines: str) -> str:
    async def all_lines() -> str:
        return "".join([await shell.execute(line) for line in lines])

    return asyncio.run(all_lines())


def test_prompts_follow_the_mode_and_unknown_lines_try_the_mode_around(machine: Any) -> None:
    shell = session(machine("ios-switch"))
    prompts = []
    for line in ("conf t", "int gi0/7", "vlan 5", "int gi0/8", "exit", "hostname X", "end"):
        assert "%" not in run(shell, line)
        prompts.append(shell.prompt)
    assert prompts == [
        "EAS-SYD-02(config)#",
        "EAS-SYD-02(config-if)#",
        "EAS-SYD-02(config-vlan)#",
        "EAS-SYD-02(config-if)#",
        "EAS-SYD-02(config)#",
        "X(config)#",
        "X#",
    ]


def test_a_port_hangs_inactive_when_its_vlan_goes(machine: Any) -> None:
    shell = session(machine("ios-switch"))
    run(
        shell, "conf t", "int gi0/7", "switchport mode access", "switchport access vlan 2110", "end"
    )
    assert "line protocol is up (connected)" in run(shell, "show interfaces gi0/7")
    run(shell, "conf t", "no vlan 2110", "end")
    assert "line protocol is down (inactive)" in run(shell, "show interfaces gi0/7")
    assert "Access Mode VLAN: 2110 (Inactive)" in run(shell, "show interfaces gi0/7 switchport")


def test_do_runs_an_exec_command_inside_configuration_mode(machine: Any) -> None:
    shell = session(machine("ios-switch"))
    run(shell, "conf t")
    assert "Version 15.2" in run(shell, "do show version")
    refused = run(shell, "do show bogus").splitlines()
    assert refused[0].index("^") == len(shell.prompt) + len("do show ")
    assert shell.prompt.endswith("(config)#")


def test_output_can_be_filtered(machine: Any) -> None:
    shell = session(machine("ios-switch"))
    assert run(shell, "show run | include ^hostname") == "hostname EAS-SYD-02\n"
    section = run(shell, "show run | section ^interface TenGigabitEthernet0/1")
    assert section.splitlines()[0] == "interface TenGigabitEthernet0/1"
    assert section.splitlines()[-1] == " switchport nonegotiate"
    assert run(shell, "show run | begin ^line vty").startswith("line vty 0 15\n")
    assert "!" not in run(shell, "show run | exclude !")


def test_a_user_without_privilege_cannot_configure(machine: Any) -> None:
    shell = session(machine("ios-switch"), privilege=1)
    assert shell.prompt == "EAS-SYD-02>"
    assert "% Invalid input" in run(shell, "configure terminal")


def test_a_question_that_nobody_can_answer_stops_the_command(machine: Any) -> None:
    device = machine("ios-switch")
    with pytest.raises(UnansweredError, match="Destination filename"):
        run(session(device), "copy running-config startup-config")
    assert device.startup is None


def test_the_revert_timer_needs_an_archive_path(machine: Any) -> None:
    shell = session(machine("ios-switch"))
    run(shell, "conf t", "no archive", "end")
    assert "archive path is not configured" in run(shell, "configure terminal revert timer 5")
    assert shell.prompt == "EAS-SYD-02#"


def test_the_log_counts_lines_and_holds_no_secret(machine: Any) -> None:
    device = machine("iosxe-ce")
    shell = session(device)
    run(
        shell,
        "conf t",
        "username netops privilege 15 algorithm-type scrypt secret hush-1",
        "enable secret 0 hush-2",
        "tacacs server T",
        "key 6 hush-3",
        "snmp-server user n NMS v3 auth sha-2 256 hush-4 priv aes 128 hush-5",
        "neighbor 1.1.1.1 password 6 hush-6",
        "router bgp bogus",
    )
    assert "hush" not in repr(device.record.lines)
    assert device.record.counters["configuration"] == 5
    assert device.record.counters["refused"] == 2


@pytest.mark.parametrize("line", ["ip ssh rsa keypair-name SSHKEY", "crypto key generate rsa"])
def test_harmless_lines_are_logged_whole(line: str) -> None:
    assert without_secrets(line) == line
