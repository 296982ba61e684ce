from collections.abc import Callable

import pytest

from adapters.cli.refusal import refusal
from adapters.cli.terminal import Terminal
from adapters.errors import DeviceTimeout, ProtocolError
from device_profiles.dialects import CliDialect
from device_profiles.profile import load_profile


def ios() -> CliDialect:
    dialect = load_profile("ios-switch").dialect
    assert isinstance(dialect, CliDialect)
    return dialect


class Scripted(Terminal):
    """A terminal whose device answers each write with pieces of text."""

    def __init__(self, answer: Callable[[str], list[str]]) -> None:
        super().__init__("CE")
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

    def _read(self) -> str:
        return self._pieces.pop(0) if self._pieces else ""


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


def test_a_late_prompt_is_not_the_answer_to_the_next_line() -> None:
    terminal = Scripted(lambda text: ["ce1#", "\r\n" + text, "real\r\nce1#"])
    assert "real" in terminal.ask("show y", 1)


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
        terminal.ask("erase", 1)
    assert terminal.closed


def test_silence_is_a_timeout_and_ends_the_conversation() -> None:
    terminal = printing("half an answ")
    with pytest.raises(DeviceTimeout):
        terminal.ask("show x", 0.05)
    assert terminal.closed


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
def test_a_percent_sign_is_a_refusal(words: str) -> None:
    assert refusal(ios(), f"   ^\n{words}\n") == words


@pytest.mark.parametrize(
    "words", ["% Access VLAN does not exist. Creating vlan 2110", "Building configuration...", ""]
)
def test_known_remarks_are_none(words: str) -> None:
    assert refusal(ios(), words) == ""
