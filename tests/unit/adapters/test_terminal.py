import re
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from adapters.cli.refusal import refusal
from adapters.cli.terminal import Terminal, unnamed
from adapters.errors import DeviceTimeout, ProtocolError
from device_profiles.dialects import CliDialect, Privilege
from device_profiles.profile import load_profile


def ios() -> CliDialect:
    dialect = load_profile("ios-switch").dialect
    assert isinstance(dialect, CliDialect)
    return dialect


class Scripted(Terminal):
    """A terminal whose device answers each write with pieces of text."""

    def __init__(self, answer: Callable[[str], list[str]]) -> None:
        super().__init__("CE", ios())
        self._answer = answer
        self._pieces: list[str] = []
        self.closed = False

    @property
    def alive(self) -> bool:
        return not self.closed

    def close(self) -> None:
        self.closed = True

    def _write(self, text: str) -> None:
        self._pieces += self._answer(text)

    def _asked(self, line: str, seconds: float) -> str:
        self._write(line + "\n")
        text = ""
        while not re.search(unnamed(ios().prompt), text):
            text += self._line.heard(self._pieces.pop(0) if self._pieces else "")
        return text.partition(line + "\n")[2]

    def _become_privileged(self, privilege: Privilege, secret: SecretStr) -> None:
        raise NotImplementedError


def printing(*pieces: str) -> Scripted:
    return Scripted(lambda text: [text, *pieces])


def test_output_is_what_lies_between_echo_and_prompt() -> None:
    terminal = printing("one\r\n", "two\r\nce1(config-if)#")
    assert terminal.ask("show x", 1) == "one\ntwo"
    assert terminal.mode == "config-if"


def test_a_prompt_of_another_host_name_is_a_prompt() -> None:
    terminal = printing("some-other_name.lab>")
    terminal.ask("hostname some-other_name.lab", 1)
    assert not terminal.privileged


@pytest.mark.parametrize(
    ("prompt", "mode", "privileged"),
    [
        ("0415-POP-EAST#", "", True),
        ("9300-SW1>", "", False),
        ("9300-SW1(config)#", "config", True),
        ("3850_lab(config-if)#", "config-if", True),
        ("ce1.lab(config-router-af)# ", "config-router-af", True),
    ],
)
def test_a_prompt_is_known_by_its_form(prompt: str, mode: str, privileged: bool) -> None:  # noqa: FBT001 - a column of the table
    terminal = printing("out\r\n" + prompt)
    assert terminal.ask("show clock", 1) == "out"
    assert (terminal.mode, terminal.privileged) == (mode, privileged)


@pytest.mark.parametrize(
    "pieces",
    [
        (" description spare [y/n]", "\r\n shutdown\r\n", "ce1#"),
        ("Please enter your Password: ", "\r\nlogged\r\n shutdown\r\n", "ce1#"),
        (" description [confirm]", "\r\n shutdown\r\n", "ce1#"),
        (" --Mo", "re-- is what it says\r\n shutdown\r\n", "ce1#"),
        ("not-our-name#", " is a line of a banner\r\n shutdown\r\n", "ce1#"),
        ("\x1b[", "?2004h shutdown\r\n", "ce1#"),
    ],
)
def test_output_may_look_like_a_question_or_a_prompt_where_a_piece_ends(
    pieces: tuple[str, ...],
) -> None:
    terminal = printing("ce1#")
    terminal.ask("show clock", 1)
    terminal._answer = lambda text: [text, *pieces]
    assert " shutdown" in terminal.ask("show running-config", 1)
    assert not terminal.closed


@pytest.mark.parametrize(
    "noise",
    [
        "*Nov 21 11:00:00.123: %LINK-3-UPDOWN: Interface Gi0/7, changed state to up\r\n",
        "%LINEPROTO-5-UPDOWN: Line protocol on Interface Gi0/7, changed state to up\r\n",
        "000123: Nov 21 11:00:00: %SYS-5-CONFIG_I: Configured from console by rom\r\n",
    ],
)
def test_console_noise_is_taken_out_wherever_it_falls(noise: str) -> None:
    assert refusal(ios(), printing(noise, "ce1#").ask("shutdown", 1)) == ""
    assert refusal(ios(), printing("ce1#", "\r\n" + noise).ask("shutdown", 1)) == ""
    words = printing(noise, "% Invalid input detected\r\n", "ce1#").ask("shutdwn", 1)
    assert refusal(ios(), words) == "% Invalid input detected"


def test_a_pager_is_paged_through() -> None:
    def answer(text: str) -> list[str]:
        erased = "\x08" * 9 + " " * 9 + "\x08" * 9
        return [erased + "two\r\nce1#"] if text == " " else [text, "one\r\n", " --More-- "]

    assert Scripted(answer).ask("show run", 1).split() == ["one", "two"]


def test_a_confirmation_is_given() -> None:
    def answer(text: str) -> list[str]:
        return ["\r\nce1#"] if text == "\n" else [text, "Do you want to continue? [confirm]"]

    terminal = Scripted(answer)
    terminal.ask("no username x", 1)
    assert terminal.privileged


@pytest.mark.parametrize("question", ["Erase all? [yes/no]: ", "(y/n)? ", "Password: "])
def test_any_other_question_is_not_answered(question: str) -> None:
    terminal = printing(question)
    with pytest.raises(ProtocolError, match="asks"):
        terminal.ask("erase", 5)
    assert terminal.closed


def test_silence_is_a_timeout_and_ends_the_conversation() -> None:
    terminal = printing("half an answ")
    with pytest.raises(DeviceTimeout):
        terminal.ask("show x", 0.05)
    assert terminal.closed


@pytest.mark.parametrize("question", ["Erase all? [yes/no]: ", "Password: "])
def test_a_question_at_the_end_of_the_time_is_told(question: str) -> None:
    with pytest.raises(ProtocolError, match="asks"):
        printing(question).ask("erase", 0.05)


@pytest.mark.parametrize("profile", ["ios-switch", "iosxe-ce"])
@pytest.mark.parametrize(
    "words",
    [
        "% Invalid input detected at '^' marker.",
        "% Incomplete command.",
        '% Ambiguous command:  "sh"',
        "%Error opening http://x (No such file)",
        "% Warning: nobody has judged this one",
    ],
)
def test_a_percent_sign_is_a_refusal(profile: str, words: str) -> None:
    dialect = load_profile(profile).dialect
    assert isinstance(dialect, CliDialect)
    assert refusal(dialect, f"   ^\n{words}\n") == words
    assert refusal(dialect, f"   ^\n{words}\n", configuring=True) == words


@pytest.mark.parametrize(
    "words",
    [
        "Command rejected: Conflict between 'nonegotiate' and 'dynamic' status.",
        "Command rejected: GigabitEthernet0/7 is a member of a bundle.",
        "VTP VLAN configuration not allowed when device is in CLIENT mode.",
    ],
)
def test_a_configuration_line_that_is_answered_is_refused(words: str) -> None:
    assert refusal(ios(), words, configuring=True) == words
    assert refusal(ios(), words) == ""
    talkative = ios().model_copy(update={"silent": False})
    assert refusal(talkative, words, configuring=True) == ""


@pytest.mark.parametrize(
    "words",
    [
        "% Access VLAN does not exist. Creating vlan 2110",
        "% Generating 3072 bit RSA keys, keys will be non-exportable...",
        "% The key modulus size is 3072 bits",
        "% Key pair was generated at: 11:00:00 UTC Nov 21 2026",
        "%Warning: portfast should only be enabled on ports connected to a single host.",
        "",
    ],
)
def test_a_known_warning_is_none(words: str) -> None:
    assert refusal(ios(), words) == ""
    assert refusal(ios(), words, configuring=True) == ""


def test_a_warning_does_not_hide_a_refusal() -> None:
    both = "% Access VLAN does not exist. Creating vlan 2110\n% Incomplete command."
    assert refusal(ios(), both, configuring=True) == "% Incomplete command."
