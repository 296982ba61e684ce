"""The grammar of a command line, compiled from profile data: which lines mean which paths."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from device_profiles.cli_lines import LineRules
from device_profiles.cli_texts import Reader, expanded
from device_profiles.errors import ProfileError
from device_profiles.models import CliModel, CommandRule
from device_profiles.profile import Profile
from device_profiles.steps import MEMBER, escaped, unescaped
from device_profiles.tree import PRESENT, Path
from device_profiles.values import canonical_value

YES, NO = "yes", "no"
_WORD = re.compile(r"\{(\w+)\}")
_MEMBER_STEP = re.compile(r"(?P<name>.+)\[\.='(?P<value>[^']*)'\]")
OrderKey = tuple[tuple[int, tuple[tuple[int, int, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What one configuration line says: a step below its section and a value."""

    step: str
    value: str


class _Command:
    """One rule with its expressions compiled."""

    def __init__(self, rule: CommandRule) -> None:
        self.rule = rule
        words = _WORD.split(rule.step)
        spelled = "".join(
            rf"(?P<{part}>\S+)" if index % 2 else re.escape(part)
            for index, part in enumerate(words)
        )
        self.within = re.compile(rule.within)
        self.step = re.compile(spelled)
        if rule.kind == "toggle":
            self.read = re.compile(f"(?P<no>no )?{spelled}")
        else:
            self.read = re.compile(rule.read or rf"{spelled} +(?P<value>\S.*)")
        self.write = rule.write or rule.step + " {value}"
        self.negate = rule.negate or "no " + rule.step

    def settings(self, line: str) -> Iterator[Setting]:
        """Yield what ``line`` sets, nothing when the rule does not match it."""
        found = self.read.fullmatch(line)
        if found is None:
            return
        groups = {key: value for key, value in found.groupdict().items() if value is not None}
        step = _WORD.sub(lambda word: groups[word[1]], self.rule.step)
        if self.rule.kind == "toggle":
            yield Setting(step, NO if "no" in groups else YES)
        elif self.rule.kind == "members":
            for item in expanded(groups["value"]):
                member = canonical_value(self.rule.canonical, item)
                yield Setting(f"{step}[{MEMBER}='{escaped(member)}']", PRESENT)
        else:
            yield Setting(step, canonical_value(self.rule.canonical, groups["value"]))

    def lines(self, step: str, before: str | None, after: str | None) -> str | None:
        """Return the line that brings the step from ``before`` to ``after``."""
        name, member = split_member(step)
        found = self.step.fullmatch(name)
        words = found.groupdict() if found else {}
        if self.rule.kind == "toggle":
            wanted = after or self.rule.default
            if after is None and before == self.rule.default:
                return None
            return name if wanted == YES else f"no {name}"
        if self.rule.kind == "members":
            form = self.negate if after is None else self.write
            return _filled(form, {**words, "value": member or ""})
        if after is None:
            return _filled(self.negate, {**words, "value": before or ""})
        return _filled(self.write, {**words, "value": after})


def _filled(form: str, words: dict[str, str]) -> str:
    """Return ``form`` with its words put in; a value is text, never a form itself."""
    return _WORD.sub(lambda word: words[word[1]], form)


def split_member(step: str) -> tuple[str, str | None]:
    """Return a step's name and, for a member of a list-valued command, the member."""
    found = _MEMBER_STEP.fullmatch(step)
    return (found["name"], unescaped(found["value"])) if found else (step, None)


class Grammar:
    """All rules of one platform, compiled."""

    def __init__(self, model: CliModel) -> None:
        self.model = model
        self.lines = LineRules(model)
        self.reader = Reader(model)
        self.commands = [_Command(rule) for rule in model.commands]
        self._order = [None if item == "*" else re.compile(item) for item in model.order]
        self._others = model.order.index("*") if "*" in model.order else len(model.order)
        self._sections = [re.compile(item) for item in model.sections]
        self._permanent = [re.compile(item) for item in model.permanent]
        self._closings = [(re.compile(item.section), item.line) for item in model.closings]

    def settings(self, section: str, line: str) -> list[Setting] | None:
        """Return what a line in a section sets, ``None`` for a plain line.

        A list of no members, such as ``allowed vlan none``, sets nothing and is no plain line.
        """
        for command in self._commands_of(section):
            settings = list(command.settings(line))
            if settings or command.read.fullmatch(line):
                return settings
        return None

    def list_of(self, section: str, line: str) -> str | None:
        """Return the step of the set that a line lists members of, ``None`` for other lines."""
        for command in self._commands_of(section):
            found = command.read.fullmatch(line) if command.rule.kind == "members" else None
            if found is not None:
                return _filled(command.rule.step, found.groupdict())
        return None

    def named(self, section: str, step: str) -> _Command | None:
        """Return the rule whose step this is, ``None`` for a plain line."""
        name, member = split_member(step)
        for command in self._commands_of(section):
            if (member is not None) == (command.rule.kind == "members") and command.step.fullmatch(
                name
            ):
                return command
        return None

    def defaults(self, section: str) -> Iterator[Setting]:
        """Yield the toggles of a section as they are when its lines do not tell."""
        for command in self._commands_of(section):
            if command.rule.default is not None and "{" not in command.rule.step:
                yield Setting(command.rule.step, command.rule.default)

    def lacks_value(self, section: str, line: str) -> bool:
        """Tell whether a line is a value command without its value: never complete."""
        command = self.named(section, line)
        return command is not None and command.rule.kind == "value"

    def order(self, path: Path) -> OrderKey:
        """Return the key by which lines are sorted: the profile's order, then natural order."""
        return tuple((self._rank(step), natural(step)) for step in path)

    def is_section(self, path: Path) -> bool:
        """Tell whether a path is a root section that others may refer to."""
        return len(path) == 1 and any(item.fullmatch(path[0]) for item in self._sections)

    def is_permanent(self, path: Path) -> bool:
        """Tell whether a section cannot be removed."""
        return any(item.fullmatch(path[-1]) for item in self._permanent)

    def closing(self, section: str) -> str | None:
        """Return the line that leaves a section explicitly, where it needs one."""
        for pattern, line in self._closings:
            if pattern.fullmatch(section):
                return line
        return None

    def _rank(self, step: str) -> int:
        for rank, pattern in enumerate(self._order):
            if pattern is not None and pattern.match(step):
                return rank
        return self._others

    def _commands_of(self, section: str) -> Iterator[_Command]:
        return (command for command in self.commands if command.within.fullmatch(section))


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key by which ``10 permit`` follows ``9 permit``."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", text)
        if part
    )


@lru_cache(maxsize=64)
def _compiled(model: CliModel) -> Grammar:
    return Grammar(model)


def grammar(profile: Profile) -> Grammar:
    """Return the profile's grammar. Raises ProfileError when it has none."""
    if profile.cli is None:
        raise ProfileError(f"profile {profile.name} has no command line grammar")
    return _compiled(profile.cli)
