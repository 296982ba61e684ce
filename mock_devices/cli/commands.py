"""Exec commands that every IOS-style device has."""

import asyncio
import re
from datetime import UTC, datetime
from time import monotonic

from mock_devices.cli.configuration import Section, interfaces, running_lines
from mock_devices.cli.shell import ADMINISTRATOR, Handler, Shell

_ATTEMPTS = 3


async def show_version(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return model, software, serial number and uptime."""
    machine = shell.machine
    minutes = int((monotonic() - machine.started) / 60)
    return machine.grammar.texts["show-version"].format(
        hostname=machine.hostname,
        model=machine.grammar.model,
        version=machine.grammar.version,
        serial=machine.serial,
        uptime=f"{minutes} minute{'' if minutes == 1 else 's'}",
        throughput=machine.configuration.value("platform hardware throughput level") or "500000",
    )


async def show_inventory(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return the parts with their serial numbers."""
    grammar = shell.machine.grammar
    return grammar.texts["show-inventory"].format(model=grammar.model, serial=shell.machine.serial)


async def show_clock(_shell: Shell, _arguments: dict[str, str]) -> str:
    """Return the time."""
    return datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3] + datetime.now(UTC).strftime(
        " UTC %a %b %d %Y"
    )


async def show_privilege(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return the session's privilege level."""
    return f"Current privilege level is {shell.privilege}"


def is_up(shell: Shell, name: str, section: Section) -> bool:
    """Tell whether an interface is enabled and has a link."""
    return not is_closed(shell, section) and shell.machine.link_up(name)


def is_closed(shell: Shell, section: Section) -> bool:
    """Tell whether an interface's configuration takes it out of service."""
    closed = shell.machine.grammar.ports.closed
    lines = (line for line in section.lines.values() if not line.negated)
    return any(re.fullmatch(closed, line.text) for line in lines)


async def show_ip_interface_brief(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return one row an interface with its address and state."""
    rows = ["Interface              IP-Address      OK? Method Status                Protocol"]
    for name, section in _in_order(shell):
        value = section.value("ip address")
        address = value.split()[0] if value and value != "dhcp" else "unassigned"
        method = "manual" if value else "unset"
        up = is_up(shell, name, section)
        status = "up" if up else "administratively down" if is_closed(shell, section) else "down"
        protocol = "up" if up else "down"
        rows.append(f"{name:<22} {address:<15} YES {method:<6} {status:<21} {protocol}")
    return "\n".join(rows)


async def show_interfaces_description(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return one row an interface with its description."""
    rows = [f"{'Interface':<31}{'Status':<15}{'Protocol':<9}Description"]
    for name, section in _in_order(shell):
        up = is_up(shell, name, section)
        status = "admin down" if is_closed(shell, section) else "up" if up else "down"
        text = section.value("description") or ""
        rows.append(f"{name:<31}{status:<15}{'up' if up else 'down':<9}{text}".rstrip())
    return "\n".join(rows)


async def show_interfaces(shell: Shell, arguments: dict[str, str]) -> str:
    """Return state and settings of one interface or all."""
    wanted = arguments.get("interface")
    found = [item for item in _in_order(shell) if wanted in {None, item[0]}]
    if not found:
        return "% Interface does not exist"
    return "\n".join(_interface_report(shell, name, section) for name, section in found)


async def show_port(shell: Shell, arguments: dict[str, str]) -> str:
    """Return one port's state in the platform's own words."""
    name = arguments["interface"]
    section = interfaces(shell.machine.configuration)[name]
    return shell.machine.grammar.texts["show-port"].format(
        port=name,
        enabled="no" if is_closed(shell, section) else "yes",
        link="up" if is_up(shell, name, section) else "down",
    )


def inactive_vlan(shell: Shell, section: Section) -> bool:
    """Tell whether an access port's VLAN does not exist on the device."""
    vlan = section.value("switchport access vlan")
    return vlan is not None and not shell.machine.configuration.has(f"vlan {vlan}")


def _interface_report(shell: Shell, name: str, section: Section) -> str:
    up = is_up(shell, name, section)
    if is_closed(shell, section):
        state = "administratively down, line protocol is down (disabled)"
    elif not up:
        state = "down, line protocol is down (notconnect)"
    elif inactive_vlan(shell, section):
        state = "up, line protocol is down (inactive)"
    else:
        state = "up, line protocol is up" + (" (connected)" if "/" in name else "")
    gigabits = 10 if name.startswith("Ten") else 1
    rows = [f"{name} is {state}", "  Hardware is Gigabit Ethernet, address is 0c75.bd00.0001"]
    if text := section.value("description"):
        rows.append(f"  Description: {text}")
    if address := section.value("ip address"):
        rows.append(f"  Internet address is {address.split()[0]}")
    rows += [
        f"  MTU {section.value('mtu') or 1500} bytes, BW {gigabits}000000 Kbit/sec, DLY 10 usec,",
        f"  Full-duplex, {gigabits}000Mb/s, media type is 10/100/1000BaseTX",
        "     0 packets input, 0 bytes, 0 no buffer",
        "     0 input errors, 0 CRC, 0 frame, 0 overrun, 0 ignored",
        "     0 packets output, 0 bytes, 0 underruns",
    ]
    return "\n".join(rows)


def _in_order(shell: Shell) -> list[tuple[str, Section]]:
    found = interfaces(shell.machine.configuration)
    return sorted(found.items(), key=lambda item: shell.machine.grammar.interface_rank(item[0]))


async def show_running(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return the running configuration."""
    text = shell.machine.running_text()
    return shell.machine.grammar.wording.running.format(bytes=len(text)) + text


async def show_running_interface(shell: Shell, arguments: dict[str, str]) -> str:
    """Return one interface's part of the running configuration."""
    machine = shell.machine
    line = machine.configuration.lines.get(("interface", arguments["interface"]))
    if line is None:
        return "% Interface does not exist"
    rows = running_lines(machine.grammar, Section("config", {line.key: line}))
    text = "\n".join([*rows, "end", ""])
    return f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n!\n{text}"


async def show_startup(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return the saved configuration."""
    text = shell.machine.startup
    if text is None:
        return "startup-config is not present"
    return f"Using {len(text)} out of 33554432 bytes\n{text}"


async def show_archive(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return where checkpoints are kept."""
    path = shell.machine.archive_path()
    return f"Archive path is {path}" if path else "Archive feature not enabled"


async def write(shell: Shell, _arguments: dict[str, str]) -> str:
    """Save the running configuration."""
    shell.machine.save()
    return shell.machine.grammar.wording.saved


async def copy_running_startup(shell: Shell, arguments: dict[str, str]) -> str:
    """Save the running configuration after asking for the file's name."""
    if not shell.machine.quiet:
        answer = await shell.ask("Destination filename [startup-config]? ", False)
        if answer not in {"", "startup-config"}:
            return "%Error: only startup-config can be the target"
    return await write(shell, arguments)


async def erase(shell: Shell, _arguments: dict[str, str]) -> str:
    """Forget the saved configuration."""
    question = "Erasing the nvram filesystem will remove all configuration files! Continue? "
    if not shell.machine.quiet and not agreed(await shell.ask(question + "[confirm]", False)):
        return ""
    (shell.machine.state_dir / "startup.cfg").unlink(missing_ok=True)
    return "[OK]\nErase of nvram: complete"


def agreed(answer: str) -> bool:
    """Tell whether an answer to ``[confirm]`` means yes: Enter or y."""
    return answer.lower() in {"", "y", "yes"}


async def reload(shell: Shell, _arguments: dict[str, str]) -> str:
    """Restart the device with its saved configuration; what was not saved is lost."""
    machine = shell.machine
    if not machine.quiet and machine.startup != machine.running_text():
        question = "\nSystem configuration has been modified. Save? [yes/no]: "
        if (await shell.ask(question, False)).lower().startswith("y"):
            machine.save()
    if not machine.quiet and not agreed(await shell.ask("Proceed with reload? [confirm]", False)):
        return ""
    shell.closed = True
    asyncio.get_running_loop().call_soon(machine.on_reload)
    return ""


async def configure(shell: Shell, arguments: dict[str, str]) -> str:
    """Open configuration mode, with a revert timer where the archive is set up."""
    machine = shell.machine
    greeting = machine.grammar.wording.configuring
    minutes = arguments.get("minutes")
    if minutes is None:
        shell.enter_configuration()
        return greeting
    path = machine.archive_path()
    if path is None:
        return "%Rollback confirmed change: archive path is not configured"
    if machine.revert_pending:
        return "%Rollback confirmed change is already active"
    machine.arm_revert(int(minutes))
    shell.enter_configuration()
    return f"Rollback Confirmed Change: Backing up current running config to {path}-1\n\n{greeting}"


async def configure_confirm(shell: Shell, _arguments: dict[str, str]) -> str:
    """Keep what was configured under the revert timer."""
    if not shell.machine.revert_pending:
        return "%No Rollback Confirmed Change pending"
    shell.machine.stop_timer()
    return ""


async def configure_revert(shell: Shell, _arguments: dict[str, str]) -> str:
    """Go back to the configuration from before the revert timer was set."""
    if not shell.machine.revert_pending:
        return "%No Rollback Confirmed Change pending"
    shell.machine.revert()
    return "Rollback Confirmed Change: rolling back\nTotal number of passes: 1\nRollback Done"


async def configure_replace(shell: Shell, arguments: dict[str, str]) -> str:
    """Make a file the running configuration; a file with errors changes nothing."""
    machine = shell.machine
    name = arguments["source"].rpartition(":")[2].lstrip("/")
    path = machine.flash / name
    startup = machine.startup
    text = startup if name == "startup-config" else None
    if text is None and path.is_file() and path.parent == machine.flash:
        text = path.read_text(encoding="utf-8")
    if text is None:
        return f"%Error opening {arguments['source']} (No such file or directory)"
    question = "This will apply all necessary additions and deletions.\n Enter Y if you are sure: "
    if "force" not in arguments and not (await shell.ask(question, False)).lower().startswith("y"):
        return ""
    before = machine.running_text()
    if refused := machine.load(text):
        machine.load(before)
        return f"%Rollback failed: {refused[0]}"
    return "Total number of passes: 1\nRollback Done"


async def enable(shell: Shell, _arguments: dict[str, str]) -> str:
    """Become administrator by the enable secret."""
    if shell.privilege == ADMINISTRATOR:
        return ""
    lines = shell.machine.configuration.starting("enable secret")
    if not lines:
        return "% Error in authentication."
    for _ in range(_ATTEMPTS):
        password = await shell.ask("Password: ", True)
        if shell.machine.vault.matches(lines[0].arguments["secret"], password):
            shell.privilege = ADMINISTRATOR
            return ""
    return "% Bad secrets\n"


async def disable(shell: Shell, _arguments: dict[str, str]) -> str:
    """Become an ordinary user again."""
    shell.privilege = 1
    return ""


async def logout(shell: Shell, _arguments: dict[str, str]) -> str:
    """End the session."""
    shell.closed = True
    return ""


async def terminal_length(shell: Shell, arguments: dict[str, str]) -> str:
    """Set the number of lines between two ``--More--``; 0 switches the pager off."""
    shell.length = int(arguments["value"])
    return ""


async def terminal_width(shell: Shell, arguments: dict[str, str]) -> str:
    """Set the terminal's width."""
    shell.width = int(arguments["value"])
    return ""


COMMON: dict[str, Handler] = {
    "show-version": show_version,
    "show-inventory": show_inventory,
    "show-clock": show_clock,
    "show-privilege": show_privilege,
    "show-ip-interface-brief": show_ip_interface_brief,
    "show-interfaces-description": show_interfaces_description,
    "show-interfaces": show_interfaces,
    "show-port": show_port,
    "show-running": show_running,
    "show-running-interface": show_running_interface,
    "show-startup": show_startup,
    "show-archive": show_archive,
    "write": write,
    "erase": erase,
    "copy-running-startup": copy_running_startup,
    "reload": reload,
    "configure": configure,
    "configure-confirm": configure_confirm,
    "configure-revert": configure_revert,
    "configure-replace": configure_replace,
    "enable": enable,
    "disable": disable,
    "logout": logout,
    "terminal-length": terminal_length,
    "terminal-width": terminal_width,
}
