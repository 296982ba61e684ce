"""What the command line session makes of a device's answers, line by line."""

from collections.abc import Mapping

import pytest
from pydantic import SecretStr
from pytest_mock import MockerFixture

from adapters.cli import session as module
from adapters.cli.session import CliSession
from adapters.errors import SessionLost, Unsupported
from adapters.seam import ApplyMode, Capability, Endpoint, SiteEdits, SiteOutcome
from device_profiles.profile import load_profile
from device_profiles.tree import Edit

VLAN = SiteEdits(
    "A", (Edit(("vlan 2110",), None, ""), Edit(("vlan 2110", "name"), None, "ENT-1102-SYD2"))
)
PORT = SiteEdits("B", (Edit(("interface Gi0/9", "description"), None, "B"),))
MODES = {"configure terminal": "config", "end": "", "vlan 2110": "config-vlan",
         "interface Gi0/9": "config-if", "exit": "config", "no vlan 2110": "config"}  # fmt: skip


class Typed:
    """A terminal that notes what it is asked and answers as told."""

    privileged = True
    alive = True

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = {"write memory": "[OK]", **answers}
        self.lines: list[str] = []
        self.mode = ""

    def ask(self, line: str) -> str:
        self.lines.append(line)
        self.mode = MODES.get(line, self.mode)
        return self.answers.get(line, "")

    def close(self) -> None:
        self.alive = False


def unused(name: str) -> SecretStr:
    raise KeyError(name)


def opened(mocker: MockerFixture, **answers: str) -> tuple[CliSession, Typed]:
    terminal = Typed({line.replace("_", " "): answer for line, answer in answers.items()})
    mocker.patch.object(module, "open_terminal", return_value=terminal)
    endpoint = Endpoint("SW", "ios-switch", "127.0.0.1", 22)
    return CliSession(endpoint, load_profile("ios-switch"), unused), terminal


def test_a_site_leaves_its_sections_before_the_next_begins(mocker: MockerFixture) -> None:
    session, terminal = opened(mocker)
    session.apply([VLAN, PORT], ApplyMode("t"))
    assert terminal.lines == [
        "show running-config", "configure terminal", "vlan 2110", "name ENT-1102-SYD2", "exit",
        "interface Gi0/9", "description B", "exit", "end", "write memory",
    ]  # fmt: skip


def test_a_section_refused_when_it_is_left_undoes_its_site(mocker: MockerFixture) -> None:
    words = "% Failed to create VLANs 2110"
    session, terminal = opened(mocker)
    terminal.answers["exit"] = words
    received = session.apply([VLAN], ApplyMode("t")).sites[0]
    assert received.outcome is SiteOutcome.REFUSED
    assert words in received.error
    assert "no vlan 2110" in terminal.lines
    assert "write memory" not in terminal.lines


def test_an_applied_change_that_is_not_saved_is_an_unknown_outcome(mocker: MockerFixture) -> None:
    session, terminal = opened(mocker, write_memory="startup-config file open failed (busy)")
    with pytest.raises(SessionLost, match="applied but not saved: startup-config") as caught:
        session.apply([PORT], ApplyMode("t"))
    assert caught.value.outcome_unknown
    assert not terminal.alive


def test_what_a_command_line_can_do_follows_from_its_dialect(mocker: MockerFixture) -> None:
    session, _ = opened(mocker)
    assert session.capabilities == {
        Capability.STARTUP, Capability.EDIT_ISOLATION, Capability.EVIDENCE
    }  # fmt: skip


def test_a_profile_of_another_protocol_is_no_command_line(mocker: MockerFixture) -> None:
    with pytest.raises(Unsupported, match="bbf-olt is no command line"):
        CliSession(Endpoint("X", "bbf-olt", "127.0.0.1", 22), load_profile("bbf-olt"), unused)
