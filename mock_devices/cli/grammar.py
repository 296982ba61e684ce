"""A platform's command language as data: what the YAML files in ``platforms`` may say."""

import re
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from mock_devices.bounded_yaml import read_yaml
from mock_devices.cli.arguments import parsed
from mock_devices.cli.pattern import Reading, RefusalError, State, compile_pattern, read_line
from mock_devices.platform_files import COMMAND_LINES, platform_file

EXEC, PRIVILEGED, CONFIG = "exec", "privileged", "config"
_INTERFACE = re.compile(r"([A-Za-z-]+)([\d/.]*)")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Data):
    """A line that must be there; both texts are templates over the command's arguments."""

    to: str
    error: str
    unless: tuple[str, ...] = ()


class Creation(_Data):
    """A line that comes into being with the command, and what the device says about it."""

    line: str
    say: str


class Hold(_Data):
    """The command cannot be taken away while a line anywhere ends like ``used``."""

    used: str
    error: str


class Command(_Data):
    """One command of one mode. ``pattern`` is in the notation of ``mock_devices.cli.pattern``."""

    pattern: str
    enter: str = ""
    """The sub-mode that the command opens."""
    leave: bool = False
    """The command closes its sub-mode."""
    action: str = ""
    """The name of what the device does at once; such a command is never stored."""
    key: str = ""
    text: str = ""
    """Templates for the line's identity and spelling where they differ from what was typed."""
    toggle: Literal["", "on", "off"] = ""
    """A setting that is either there or negated, with its default."""
    always_shown: bool = False
    """Show the setting although it has its default."""
    secret: Literal["", "6", "9"] = ""
    """The Cisco password type in which the argument ``secret`` is kept."""
    vlan_set: bool = False
    numbered: bool = False
    """Lines begin with a sequence number; one is given where none was typed."""
    natural_order: bool = False
    refers: tuple[Reference, ...] = ()
    creates: Creation | None = None
    held: Hold | None = None
    only_one: str = ""
    """What the device says when another line of this command exists already."""
    permanent: str = ""
    """What the device says when somebody negates it for hardware."""


class Mode(_Data):
    """The commands of one mode in the order in which the running configuration shows them."""

    prompt: str = ""
    closing: str = ""
    """The line that ends the mode's section in the running configuration."""
    commands: tuple[Command | Literal["!"], ...]

    @field_validator("commands", mode="before")
    @classmethod
    def _plain_patterns(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [
            {"pattern": item} if isinstance(item, str) and item != "!" else item for item in value
        ]


class Wording(_Data):
    """What a platform says and how; Cisco IOS unless the file says otherwise.

    Refusals are templates over ``line`` and the refused ``word``.
    """

    host: str = "Router"
    """The name in prompts while none is configured."""
    prompt_end: str = ""
    ssh_server: str = "Cisco-1.25"
    heading: tuple[str, ...] = ("!", "version {version}")
    """The lines that a configuration begins with."""
    running: str = "Building configuration...\n\nCurrent configuration : {bytes} bytes\n"
    """What stands before the running configuration where it is shown."""
    saved: str = "Building configuration...\n[OK]"
    configuring: str = "Enter configuration commands, one per line.  End with CNTL/Z.\n"
    bgp_heading: str = (
        "BGP table version is 1, main routing table version 1\n\n"
        "Neighbor        V           AS MsgRcvd MsgSent   TblVer  InQ OutQ Up/Down  State/PfxRcd"
    )
    bgp_row: str = (
        "{address:<15} 4 {asn:>12} {messages:>7} {messages:>7} {version:>8} {zero:>4} {zero:>4} "
        "{age:<8} {state}"
    )
    """One neighbour of the BGP summary; ``state`` is the number of prefixes once it is up."""
    caret: bool = True
    """A refusal begins with a line that points at the refused word."""
    invalid: str = "% Invalid input detected at '^' marker."
    ambiguous: str = '% Ambiguous command:  "{word}"'
    incomplete: str = "% Incomplete command."

    def refusal(self, refusal: RefusalError, line: str) -> RefusalError:
        """Return a refusal of the parser's in this platform's words."""
        if not refusal.kind:
            return refusal
        template: str = getattr(self, refusal.kind)
        words = template.format(line=line.strip(), word=refusal.word)
        return RefusalError(words, refusal.column)


class Boot(_Data):
    """How a router comes by its first configuration, and which services it has by itself."""

    script: bool = True
    """A boot file whose name ends in ``.py`` is run in the guest shell; without, every file is a
    configuration, applied and saved."""
    headers: dict[str, str] = Field(default_factory=dict)
    """HTTP headers of its request for the file; ``{serial}`` stands for its serial number."""
    account: str = ""
    """Regular expression of a line of the file that makes an account, with the groups ``user`` and
    ``password``. Where there is one, whoever has an account may log in once it is made."""
    reflector_port: int | None = Field(default=None, ge=1, le=65535)
    """The port of a TWAMP reflector that needs no configuration."""


class Ports(_Data):
    """A platform's ports and which lines let a customer's frames through a switch; as in Cisco
    IOS unless the file says otherwise.

    ``line`` and ``vlan`` are whole lines over the name of a port and the number of a VLAN. The
    others are regular expressions for whole lines of a port's section; the group ``vlan`` is one
    VLAN, the group ``vlans`` a list such as ``10,20-22``.
    """

    line: str = "interface {port}"
    """Opens a port's section."""
    vlan: str = "vlan {vlan}"
    closed: str = "shutdown"
    """The port is out of service."""
    access: str = "switchport mode access"
    """The port is a customer's."""
    untagged: str = "switchport access vlan (?P<vlan>\\d+)"
    trunk: str = "switchport mode trunk"
    """The port is an uplink."""
    tagged: str = "switchport trunk allowed vlan (?:add )?(?P<vlans>[\\d,-]+|none)"
    carries_all: bool = True
    """An uplink that names no VLAN carries every one."""


class Grammar(_Data):
    """A platform: its interfaces, modes, factory configuration and what it says about itself."""

    platform: str
    version: str
    model: str
    physical: tuple[str, ...]
    """Interfaces, the last number may be a range: ``GigabitEthernet0/1-28``."""
    virtual: dict[str, str]
    interface_order: tuple[str, ...]
    shows_empty_interfaces: bool = True
    wording: Wording = Wording()
    boot: Boot = Boot()
    ports: Ports = Ports()
    macros: dict[str, str] = Field(default_factory=dict)
    modes: dict[str, Mode]
    texts: dict[str, str]
    """Output of show commands, with ``{hostname}`` and the like to fill in."""
    factory: str
    """The configuration a device has when nobody configured it."""
    example_baseline: str = ""
    """A configuration as an operator's engineering department hands it over."""

    _states: dict[str, State] = PrivateAttr(default_factory=dict)
    _commands: dict[str, tuple[int, Command]] = PrivateAttr(default_factory=dict)
    _interfaces: tuple[str, ...] = PrivateAttr(default=())

    def model_post_init(self, _context: object) -> None:
        """Compile every mode's patterns."""
        self._interfaces = tuple(name for item in self.physical for name in _expanded(item))
        for name, mode in self.modes.items():
            start = self._states[name] = State()
            for index, command in enumerate(mode.commands):
                if command == "!":
                    continue
                identity = f"{name}:{index}"
                self._commands[identity] = (index, command)
                compile_pattern(start, self._without_macros(command.pattern), identity)

    def _without_macros(self, pattern: str) -> str:
        return re.sub(r"\$([\w-]+)", lambda found: self.macros[found[1]], pattern)

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The physical interfaces, fully named."""
        return self._interfaces

    def start(self, mode: str) -> State:
        """Return where the matcher begins in a mode."""
        return self._states[mode]

    def read(
        self, mode: str, line: str, *, negated: bool = False, offset: int = 0
    ) -> tuple[Command, Reading, int]:
        """Return the command, how the line was read and the command's place in its mode.

        Raises RefusalError as the device would refuse the line.
        """
        start = self._states[mode]
        try:
            reading = read_line(start, line, self.parse, negated=negated, offset=offset)
        except RefusalError as refusal:
            raise self.wording.refusal(refusal, line) from refusal
        index, command = self._commands[reading.state.command or reading.state.owner]
        return command, reading, index

    def parse(self, kind: str, text: str) -> str | None:
        """Return an argument as the configuration spells it, or None."""
        return self.interface(text) if kind == "interface" else parsed(kind, text)

    def interface(self, text: str) -> str | None:
        """Return an interface's full name from any abbreviation, None when there is none such."""
        matched = _INTERFACE.fullmatch(text)
        if not matched:
            return None
        letters, numbers = matched[1].lower(), matched[2]
        kinds = [kind for kind in self.interface_order if kind.lower().startswith(letters)]
        if len(kinds) != 1:
            return None
        name = kinds[0] + numbers
        allowed = self.virtual.get(kinds[0])
        if allowed is not None:
            return name if parsed(allowed, numbers) == numbers else None
        return name if name in self._interfaces else None

    def interface_rank(self, name: str) -> tuple[int, tuple[int, ...]]:
        """Return where an interface stands among the others."""
        matched = _INTERFACE.fullmatch(name)
        if not matched:
            return len(self.interface_order), ()
        numbers = tuple(int(part) for part in re.findall(r"\d+", matched[2]))
        return self.interface_order.index(matched[1]), numbers

    def group(self, mode: str, index: int) -> int:
        """Return the number of the block that a command of the top mode is shown in."""
        return self.modes[mode].commands[:index].count("!")


def _expanded(item: str) -> list[str]:
    matched = re.fullmatch(r"(.*?)(\d+)-(\d+)", item)
    if not matched:
        return [item]
    return [f"{matched[1]}{n}" for n in range(int(matched[2]), int(matched[3]) + 1)]


@cache
def load_grammar(platform: str) -> Grammar:
    """Return the platform's grammar.

    ``common`` in its file names the exec commands it has beside its own, those of IOS by default.

    Raises PlatformFileError when there is no such platform, ValueError when its data is wrong.
    """
    data = read_yaml(platform_file(platform, COMMAND_LINES).read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise ValueError(f"{platform}.yaml: must hold a mapping")
    if common := data.pop("common", "exec"):
        shared = read_yaml((COMMAND_LINES / f"{common}.yaml").read_text(encoding="utf-8"))
        own = data["modes"]["privileged"]["commands"]
        data["modes"]["exec"]["commands"] = shared["exec"]
        data["modes"]["privileged"]["commands"] = shared["exec"] + shared["privileged"] + own
    return Grammar.model_validate(data)


__all__ = [
    "CONFIG",
    "EXEC",
    "PRIVILEGED",
    "Command",
    "Grammar",
    "Mode",
    "Ports",
    "RefusalError",
    "load_grammar",
]
