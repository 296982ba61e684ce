"""Dialects: how a platform speaks the protocol it is managed by, as data of its profile.

What a configuration looks like is the data model's matter (``models``); a dialect says how to get
at it and what the device's answers mean.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MINUTES = "{minutes}"
SECONDS = "{seconds}"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Line = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line to send: no control characters."""


class ConfigurationMode(_Model):
    """How configuration lines are sent.

    A platform with a revert timer has all of ``timed``, ``confirm`` and ``revert``: the device
    then takes back by itself what is not confirmed in time.
    """

    enter: Line
    leave: Line
    """Ends configuration mode from any section."""
    up: Line
    """Leaves one section for the one around it."""
    timed: str = ""
    """Enters with a revert timer; ``{minutes}`` or ``{seconds}`` stands for its length."""
    confirm: str = ""
    """Stops the timer and keeps what was sent."""
    revert: str = ""
    """Takes back at once what was sent since the timer was set."""

    @model_validator(mode="after")
    def _has_a_whole_timer(self) -> Self:
        given = [bool(text) for text in (self.timed, self.confirm, self.revert)]
        if any(given) and not all(given):
            raise ValueError("timed, confirm and revert belong together: give all three or none")
        if self.timed and MINUTES not in self.timed and SECONDS not in self.timed:
            raise ValueError("timed: needs {minutes} or {seconds}, the length of the timer")
        return self


class Save(_Model):
    """How running is saved, and what the device prints when it did."""

    line: Line
    works: str = Field(min_length=1)
    """Regular expression that must be found in the answer; without it nothing counts as saved."""

    @field_validator("works")
    @classmethod
    def _compiles(cls, works: str) -> str:
        return _compiled([works])[0]


class Privilege(_Model):
    """How a user who may only look becomes one who may configure."""

    line: Line
    asks: str = Field(default=r"[Pp]assword:", min_length=1)
    """Regular expression of the question that the secret answers."""

    @field_validator("asks")
    @classmethod
    def _has_no_groups(cls, asks: str) -> str:
        if re.compile(_compiled([asks])[0]).groups:
            raise ValueError("the libraries split at groups: write (?:...) for (...)")
        return asks


class CliDialect(_Model):
    """The dialect of a command line.

    ``library`` and ``platform`` name the driver that holds the conversation: a netmiko
    ``device_type`` or a scrapli platform.
    """

    driver: Literal["cli"] = "cli"
    library: Literal["netmiko", "scrapli"]
    platform: str = Field(min_length=1)
    prompt: str
    """Regular expression of a whole prompt. Its group ``mode`` is the configuration mode, empty or
    absent outside; its group ``privileged`` is there only for users who may configure. With a
    group ``host``, text that looks like another host's prompt has to be the last that comes."""
    session: tuple[Line, ...] = ()
    """Lines to send after the login: no pager, wide lines."""
    privilege: Privilege | None = None
    """``None`` where whoever logs in may configure."""
    configuration: ConfigurationMode
    show: Line
    """Prints the running configuration."""
    save: Save | None = None
    """``None`` where running survives a restart by itself."""
    refuses: tuple[str, ...]
    """Regular expressions of printed lines that mean no, in every mode."""
    warns: tuple[str, ...] = ()
    """Regular expressions of lines the device prints although it did as told. A warning that is
    not among them is a refusal: nobody has judged it yet."""
    silent: bool = True
    """True where a configuration line that is taken prints nothing: any other answer than a
    warning is a refusal then."""
    pager: str = r"-+ ?\(?[Mm]ore\)? ?-*"
    """Regular expression of what a pager shows; a blank is the answer."""
    confirmations: tuple[str, ...] = ()
    """Regular expressions of questions that an empty line answers. Any other question ends the
    conversation: an answer could do harm."""

    @field_validator("prompt")
    @classmethod
    def _tells_the_mode(cls, prompt: str) -> str:
        groups = re.compile(_compiled([prompt])[0]).groupindex
        if missing := {"mode", "privileged"} - groups.keys():
            raise ValueError(f"lacks the group {min(missing)}")
        return prompt

    @field_validator("refuses", "warns", "confirmations")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_compiled(patterns))

    @field_validator("pager")
    @classmethod
    def _compiles(cls, pager: str) -> str:
        return _compiled([pager])[0]


class NetconfDialect(_Model):
    """The dialect of a NETCONF server (RFC 6241).

    What the server's hello offers decides; the dialect says what is more than a hello can tell.
    """

    driver: Literal["netconf"] = "netconf"
    commit_timeout: int = Field(default=60, gt=0)
    """Seconds a commit may take before it counts as lost."""
    confirmed_commit: Literal["persist", "session", "none"] = "persist"
    """The most of ``:confirmed-commit`` to use: ``persist`` is ``:1.1`` with a persist-id that any
    session may confirm, ``session`` is ``:1.0``, confirmed or lost with its session, and ``none``
    uses no confirmed commit though the server offers one."""
    locked_in_window: frozenset[Literal["candidate", "running"]] = frozenset({"candidate"})
    """What stays locked while a confirmed commit waits. Others then commit nothing that a revert
    would take along. With running locked some servers do not go back when the time is over, and a
    gateway that hangs would keep them from it."""
    with_defaults: Literal["report-all", "trim", "explicit"] | None = None
    """RFC 6243 mode every read asks for; ``None`` asks for none."""
    defaults: Mapping[str, str] = Field(default_factory=dict)
    """Values by schema path of leaves that the server leaves out while they have them."""


Dialect = Annotated[CliDialect | NetconfDialect, Field(discriminator="driver")]


def _compiled(patterns: Iterable[str]) -> list[str]:
    """Return regular expressions that compile. Raises ValueError naming the one that does not."""
    checked = []
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        checked.append(pattern)
    return checked
