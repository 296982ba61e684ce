"""A configuration as sections of lines, and its text in the order in which IOS shows it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mock_devices.cli.grammar import CONFIG, Command, Grammar

Key = tuple[str, ...]


@dataclass(slots=True)
class Line:
    """One configured line; ``section`` holds the lines of the sub-mode that it opens."""

    command: Command
    index: int
    key: Key
    text: str
    arguments: dict[str, str]
    negated: bool = False
    section: "Section | None" = None

    @property
    def words(self) -> Key:
        """The line's words as configured."""
        return tuple(self.text.split())


@dataclass(slots=True)
class Section:
    """The lines of one mode."""

    mode: str
    lines: dict[Key, Line] = field(default_factory=dict)

    def starting(self, prefix: str) -> list[Line]:
        """Return the lines whose words begin with those of ``prefix``, in order of entry."""
        wanted = tuple(prefix.split())
        return [
            line
            for line in self.lines.values()
            if not line.negated and line.words[: len(wanted)] == wanted
        ]

    def value(self, prefix: str) -> str | None:
        """Return what follows ``prefix`` on the first line that begins with it."""
        for line in self.starting(prefix):
            return " ".join(line.words[len(prefix.split()) :])
        return None

    def section(self, text: str) -> "Section | None":
        """Return the section opened by the line ``text``."""
        for line in self.starting(text):
            if line.section is not None:
                return line.section
        return None

    def has(self, text: str) -> bool:
        """Tell whether a line begins with the words of ``text``."""
        return bool(self.starting(text))

    def knows(self, text: str) -> bool:
        """Tell whether a line's words or its identity begin with the words of ``text``."""
        wanted = tuple(text.split())
        return self.has(text) or any(key[: len(wanted)] == wanted for key in self.lines)

    def everywhere(self) -> Iterator[Line]:
        """Yield the lines of this section and of all below it."""
        for line in self.lines.values():
            yield line
            if line.section is not None:
                yield from line.section.everywhere()


def interfaces(root: Section) -> dict[str, Section]:
    """Return the interfaces that exist, by name."""
    return {
        line.arguments["interface"]: line.section
        for line in root.lines.values()
        if line.section is not None and line.section.mode == "interface"
    }


def running_lines(grammar: Grammar, root: Section) -> list[str]:
    """Return the configuration as lines, without its heading and its ``end``."""
    result: list[str] = []
    group = 0
    for line in _ordered(grammar, root):
        if _is_hidden(grammar, line):
            continue
        this_group = grammar.group(CONFIG, line.index)
        if (this_group != group or line.section is not None) and result and result[-1] != "!":
            result.append("!")
        group = this_group
        result += _shown(grammar, line, 0)
        if line.section is not None:
            result.append("!")
    return result


def _is_hidden(grammar: Grammar, line: Line) -> bool:
    empty = line.section is not None and not line.section.lines
    return empty and line.arguments.keys() == {"interface"} and not grammar.shows_empty_interfaces


def _shown(grammar: Grammar, line: Line, depth: int) -> list[str]:
    indent = " " * depth
    result = [f"{indent}{text}" for text in _spelled(line)]
    if line.section is None:
        return result
    for child in _ordered(grammar, line.section):
        if child.section is not None and grammar.modes[child.section.mode].closing:
            result.append(f"{indent} !")
        result += _shown(grammar, child, depth + 1)
    closing = grammar.modes[line.section.mode].closing
    return [*result, f"{indent}{closing}"] if closing else result


_LONGEST_VLAN_LIST = 80


def _spelled(line: Line) -> list[str]:
    if line.negated:
        return [f"no {line.text}"]
    if not line.command.vlan_set:
        return [line.text]
    # IOS breaks a long VLAN list into a first line and `add` lines.
    head, parts = " ".join(line.key), line.words[-1].split(",")
    rows: list[str] = []
    for part in parts:
        if rows and len(rows[-1]) + len(part) < _LONGEST_VLAN_LIST:
            rows[-1] += f",{part}"
        else:
            rows.append(part)
    return [f"{head} {'add ' if number else ''}{row}" for number, row in enumerate(rows)]


def _ordered(grammar: Grammar, section: Section) -> list[Line]:
    def rank(line: Line) -> tuple[int, tuple[object, ...]]:
        if line.section is not None and line.section.mode == "interface":
            return line.index, grammar.interface_rank(line.arguments["interface"])
        return line.index, _natural(line.text) if line.command.natural_order else ()

    return sorted(section.lines.values(), key=rank)


def _natural(text: str) -> tuple[object, ...]:
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.findall(r"\d+|\D+", text)
    )
