"""What both libraries must hold with devices that behave worse than the lab's."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncssh
import pytest
from pydantic import SecretStr

from adapters.cli.libraries import open_terminal
from adapters.cli.session import CliSession
from adapters.cli.terminal import Terminal
from adapters.errors import (
    AuthenticationFailed,
    DeviceTimeout,
    ProtocolError,
    SecretUnavailable,
    SessionLost,
    Unsupported,
)
from adapters.seam import Endpoint
from device_profiles.dialects import CliDialect
from device_profiles.profile import load_profile
from mock_devices.cli.device import CliDevice, Credentials

PASSWORD, SECRET = "scripted-Password-1", "scripted-Enable-2"
PLATFORMS = {"netmiko": "cisco_ios", "scrapli": "cisco_iosxe"}
Pieces = list[str | float]


class Anybody(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return bool(username)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == PASSWORD


@dataclass
class ScriptedDevice:
    """Answers each line with the pieces written for it (a number is a pause), then a prompt.

    Pieces that end without a prompt of their own get ``prompt``; the last piece ``None`` leaves
    the line where it is.
    """

    answers: Mapping[str, list[Any]] = field(default_factory=dict)
    prompt: str = "ce1#"
    greeting: str = "\r\nAuthorized users only\r\n"
    typed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = asyncssh.generate_private_key("ssh-ed25519")

    @property
    def public_key(self) -> str:
        return " ".join(self._key.export_public_key().decode().split()[:2])

    async def start(self) -> int:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self._key],
            server_factory=Anybody,
            process_factory=self._session,
            line_editor=False,
        )
        return int(self._acceptor.get_port())

    async def stop(self) -> None:
        self._acceptor.close()

    async def _session(self, process: "asyncssh.SSHServerProcess[str]") -> None:
        process.stdout.write(self.greeting + self.prompt)
        typed = ""
        while chunk := await process.stdin.read(1024):
            for key in chunk:
                if key in "\r\n":
                    process.stdout.write("\r\n")
                    self.typed.append(typed)
                    await self._answer(process, typed)
                    typed = ""
                elif key == " " and not typed and "" in self.answers:
                    await self._answer(process, " ")
                else:
                    typed += key
                    process.stdout.write(key)

    async def _answer(self, process: "asyncssh.SSHServerProcess[str]", line: str) -> None:
        pieces = self.answers.get(line, [self.prompt])
        for piece in pieces:
            if piece is None:
                process.close()
            elif isinstance(piece, str):
                process.stdout.write(piece.replace("\n", "\r\n"))
                await process.stdout.drain()
            else:
                await asyncio.sleep(piece)


Conversation = Callable[..., Terminal]


@pytest.fixture(params=["netmiko", "scrapli"])
def dialect(request: pytest.FixtureRequest) -> CliDialect:
    found = load_profile("ios-switch").dialect
    assert isinstance(found, CliDialect)
    return found.model_copy(
        update={"library": request.param, "platform": PLATFORMS[request.param], "session": ()}
    )


@pytest.fixture
def talk(dialect: CliDialect, lab: Any, closing: Any) -> Conversation:
    def opened(answers: Mapping[str, list[Any]] | None = None, **more: Any) -> Terminal:
        device = ScriptedDevice(answers or {}, **more)
        port = lab.start(device)
        endpoint = Endpoint(
            "SW", "ios-switch", "127.0.0.1", port, "rom", SecretStr(PASSWORD), device.public_key
        )
        terminal = closing(open_terminal(endpoint, dialect, lab.resolve))
        terminal.device_typed = device.typed
        return terminal  # type: ignore[no-any-return]  # the fixture is not typed

    return opened


def test_a_banner_before_the_first_prompt_is_read_over(talk: Conversation) -> None:
    terminal = talk(greeting="\r\nWelcome to SW#1!\r\nNo [y/n] question?\r\nEAS> is not here\r\n")
    assert terminal.privileged


@pytest.mark.parametrize("prompt", ["0415-POP-EAST#", "9300-SW1#", "3850_lab#", "a/b:1@x.y#"])
def test_a_name_may_begin_with_a_digit(talk: Conversation, prompt: str) -> None:
    terminal = talk({"show clock": ["11:00\n", prompt]}, prompt=prompt)
    assert terminal.ask("show clock", 5) == "11:00"


def test_a_prompt_that_comes_late_is_no_answer_to_the_next_line(talk: Conversation) -> None:
    terminal = talk({"show x": ["one\nce1#", 0.1, "\nce1#", "\nce1#"], "show y": ["two\nce1#"]})
    assert terminal.ask("show x", 5) == "one"
    assert terminal.ask("show y", 5) == "two"


def test_the_mode_is_the_last_prompts(talk: Conversation) -> None:
    terminal = talk({"interface x": ["ce1(config-if)#"], "end": ["ce1#"]})
    terminal.ask("interface x", 5)
    assert terminal.mode == "config-if"
    terminal.ask("end", 5)
    assert terminal.mode == ""


def test_console_messages_are_no_output_wherever_they_fall(talk: Conversation) -> None:
    message = "*Nov 21 11:00:00.123: %LINK-3-UPDOWN: Interface Gi0/7, changed state to up\n"
    terminal = talk(
        {
            "one": [message, "answer\n", "ce1#"],
            "two": ["answer\n", message[:20], 0.1, message[20:], "ce1#"],
            "three": ["answer\n", "ce1#", message],
            "four": ["answer\n", "ce1#", 0.1, message[:30], 0.1, message[30:]],
            "five": ["answer\nce1#"],
        }
    )
    for line in ("one", "two", "three", "four", "five"):
        assert terminal.ask(line, 5) == "answer"


def test_a_pager_is_paged_through(talk: Conversation) -> None:
    erased = "\x08" * 9 + " " * 9 + "\x08" * 9
    terminal = talk(
        {"show run": ["one\n", " --More-- "], " ": [erased + " two\nce1#"], "": ["ce1#"]}
    )
    assert terminal.ask("show run", 5).split("\n") == ["one", " two"]


def test_a_confirmation_is_given(talk: Conversation) -> None:
    terminal = talk({"no username x": ["Do you want to continue? [confirm]"], "": ["ce1#"]})
    assert "confirm" not in terminal.ask("no username x", 5)
    assert terminal.alive


@pytest.mark.parametrize("question", ["Erase all? [yes/no]: ", "(y/n)? ", "Password: "])
def test_any_other_question_ends_the_conversation(talk: Conversation, question: str) -> None:
    terminal = talk({"erase": [question]})
    with pytest.raises(ProtocolError, match="asks"):
        terminal.ask("erase", 10)
    assert not terminal.alive
    assert terminal.device_typed[-1] == "erase"  # type: ignore[attr-defined]  # put there above


def test_output_that_looks_like_a_question_is_output(talk: Conversation) -> None:
    pieces: Pieces = [
        "interface GigabitEthernet0/9\n description spare [y/n]", 0.2, "\n shutdown\n!\n",
        "banner login ^C\nPlease enter your Password: ", 0.2, "\n\nAccess is logged.\n^C\n",
        "end\nce1#",
    ]  # fmt: skip
    printed = talk({"show running-config": pieces}).ask("show running-config", 10)
    assert " shutdown\n" in printed
    assert "Access is logged" in printed


def test_letters_of_several_bytes_arrive_whole(talk: Conversation) -> None:
    text = " description Zürich, Große Straße\n" * 200
    printed = talk({"show run": [text, "ce1#"]}).ask("show run", 10)
    assert printed == text.strip("\n")


def test_silence_is_a_timeout_and_ends_the_conversation(talk: Conversation) -> None:
    terminal = talk({"show x": ["half an answ"]})
    with pytest.raises(DeviceTimeout):
        terminal.ask("show x", 0.5)
    assert not terminal.alive


def test_a_device_that_hangs_up_is_a_lost_session(talk: Conversation) -> None:
    terminal = talk({"show x": ["half", None]})
    with pytest.raises(SessionLost):
        terminal.ask("show x", 5)
    assert not terminal.alive


@pytest.fixture
def guarded(lab: Any) -> Any:
    """A switch whose user is not privileged, and what opens it."""
    device = CliDevice(
        "EAS-9",
        "ios-switch",
        Credentials("rom", PASSWORD, enable=lab.resolve("enable").get_secret_value(), privilege=1),
        lab.folder / "guarded",
    )
    port = lab.start(device)
    return device, lab.endpoint("EAS-9", "ios-switch", port, device.public_key, password=PASSWORD)


def of(endpoint: Endpoint, **options: str) -> Endpoint:
    return Endpoint(
        endpoint.device,
        endpoint.profile,
        endpoint.host,
        endpoint.port,
        endpoint.username,
        endpoint.password,
        endpoint.host_key,
        options,
    )


def test_the_enable_secret_makes_a_user_privileged(
    guarded: Any, dialect: CliDialect, lab: Any, closing: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    profile = load_profile("ios-switch").model_copy(update={"dialect": dialect})
    session = closing(CliSession(of(guarded[1], enable_secret="enable"), profile, lab.resolve))
    assert session.read([("hostname",)])
    assert lab.resolve("enable").get_secret_value() not in caplog.text


def test_a_wrong_enable_secret_is_one_try(guarded: Any, dialect: CliDialect) -> None:
    with pytest.raises(AuthenticationFailed, match="enable") as caught:
        open_terminal(
            of(guarded[1], enable_secret="x"), dialect, lambda _: SecretStr("wrong-Horse")
        )
    assert "wrong-Horse" not in str(caught.value)


def test_a_secret_that_nobody_has_is_told(guarded: Any, dialect: CliDialect) -> None:
    def unknown(name: str) -> SecretStr:
        raise LookupError(name)

    with pytest.raises(SecretUnavailable, match="enable_secret"):
        open_terminal(of(guarded[1], enable_secret="nowhere"), dialect, unknown)


def test_a_privileged_user_needs_no_secret(lab: Any, dialect: CliDialect, closing: Any) -> None:
    _, endpoint = lab.switch()

    def asked(name: str) -> SecretStr:
        raise AssertionError(name)

    terminal = closing(open_terminal(of(endpoint, enable_secret="unused"), dialect, asked))
    assert terminal.privileged


def test_a_user_who_cannot_become_privileged_is_told_how_to(
    guarded: Any, dialect: CliDialect, lab: Any
) -> None:
    profile = load_profile("ios-switch").model_copy(update={"dialect": dialect})
    with pytest.raises(Unsupported, match="enable_secret"):
        CliSession(guarded[1], profile, lab.resolve)


@pytest.mark.parametrize("platform", ["no_such_os", "cisco_ios_telnet"])
def test_a_platform_the_library_does_not_reach_by_ssh_is_refused(
    guarded: Any, dialect: CliDialect, lab: Any, platform: str
) -> None:
    other = dialect.model_copy(update={"platform": platform})
    with pytest.raises(Unsupported):
        open_terminal(guarded[1], other, lab.resolve)
