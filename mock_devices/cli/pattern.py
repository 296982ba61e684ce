"""Command patterns: a small notation for IOS commands and the matcher that reads lines with it.

Notation: ``word`` (may be abbreviated), ``<name:kind>`` (an argument), ``[...]`` (optional),
``{a|b}`` and ``[a|b]`` (a choice), ``=`` (what stands before it names the setting, what follows is
its value, so ``no`` may stop here and a new value replaces the old one) and ``~`` (``no`` may stop
here too and then takes away everything that begins so).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from mock_devices.cli.arguments import LINE

ArgumentParser = Callable[[str, str], str | None]

_TOKEN = re.compile(r"<[^>]+>|[\[\]{}|]|[^\s\[\]{}|]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A keyword."""

    text: str


@dataclass(frozen=True, slots=True)
class Argument:
    """A typed argument."""

    name: str
    kind: str


@dataclass(eq=False, slots=True)
class State:
    """A point in the automaton of one mode's commands."""

    steps: list[tuple[Word | Argument, "State"]] = field(default_factory=list)
    silent: list["State"] = field(default_factory=list)
    marker: str = ""
    owner: str = ""
    """The command that a marker belongs to."""
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the tokens so far; ``command`` is set when it may end here."""

    state: State
    tokens: tuple[str, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    key_length: int | None = None
    prefix: bool = False
    """True when the line ended at a ``~``."""

    def taking(self, token: str, step: Word | Argument, target: State) -> "Reading":
        """Return the reading after one more token."""
        named = ((step.name, token),) if isinstance(step, Argument) else ()
        return replace(
            self,
            state=target,
            tokens=(*self.tokens, *token.split(" ")),
            arguments=self.arguments + named,
            prefix=False,
        )


class RefusalError(Exception):
    """A line that the parser does not take; ``message`` is what the device prints."""

    def __init__(
        self, message: str, column: int | None = None, *, kind: str = "", word: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        """``invalid``, ``ambiguous`` or ``incomplete``, where the platform has words for it."""
        self.word = word
        self.column = column
        """Where the caret goes, counted from the line's first character; None without a caret."""


def invalid(column: int) -> RefusalError:
    """Return the refusal of a token that fits nowhere."""
    return RefusalError("% Invalid input detected at '^' marker.", column, kind="invalid")


def compile_pattern(start: State, pattern: str, command: str) -> None:
    """Add ``pattern`` to the automaton at ``start``; ``command`` identifies it in readings."""
    tokens = _TOKEN.findall(pattern)
    end = _sequence(start, tokens, 0, (command, frozenset()))[0]
    end.silent.append(State(command=command))


def _sequence(
    state: State, tokens: list[str], index: int, within: tuple[str, frozenset[str]]
) -> tuple[State, int]:
    command, closing = within
    while index < len(tokens) and tokens[index] not in closing:
        item = tokens[index]
        if item in {"[", "{"}:
            state, index = _choice(state, tokens, index, command)
            continue
        target = State()
        if item in {"=", "~"}:
            target.marker, target.owner = item, command
            state.silent.append(target)
        elif item.startswith("<"):
            name, _, kind = item[1:-1].partition(":")
            state.steps.append((Argument(name, kind), target))
        else:
            state.steps.append((Word(item), target))
        state, index = target, index + 1
    return state, index


def _choice(state: State, tokens: list[str], index: int, command: str) -> tuple[State, int]:
    closing = "]" if tokens[index] == "[" else "}"
    after = State()
    if closing == "]":
        state.silent.append(after)
    while tokens[index] != closing:
        branch = State()
        state.silent.append(branch)
        end, index = _sequence(branch, tokens, index + 1, (command, frozenset({"|", closing})))
        end.silent.append(after)
    return after, index + 1


def _closure(readings: Iterable[Reading]) -> Iterator[Reading]:
    for reading in readings:
        yield reading
        for target in reading.state.silent:
            moved = replace(reading, state=target)
            if target.marker == "=":
                moved = replace(moved, key_length=len(reading.tokens))
            elif target.marker == "~":
                moved = replace(moved, prefix=True)
            yield from _closure([moved])


def words_of(line: str) -> list[tuple[str, int]]:
    """Return the line's tokens with their columns."""
    return [(found[0], found.start()) for found in re.finditer(r"\S+", line)]


def read_line(
    start: State, line: str, parse: ArgumentParser, *, negated: bool = False, offset: int = 0
) -> Reading:
    """Return the reading of ``line`` (its first ``offset`` characters are left out).

    With ``negated`` the line may also end at a marker. Raises RefusalError as IOS would refuse it.
    """
    tokens = words_of(line)
    while tokens and tokens[0][1] < offset:
        tokens.pop(0)
    readings = list(_closure([Reading(start)]))
    index = 0
    while index < len(tokens):
        column = tokens[index][1]
        if rest := _rest_of_line(readings, line[column:].rstrip()):
            return rest
        stepped, used = _step(readings, tokens[index:], parse)
        if not stepped:
            raise invalid(column)
        readings = list(_closure(stepped))
        index += used
    return _ended(readings, negated=negated)


def _rest_of_line(readings: list[Reading], text: str) -> Reading | None:
    for reading in readings:
        for step, target in reading.state.steps:
            if isinstance(step, Argument) and step.kind == LINE:
                taken = reading.taking(text, step, target)
                return _ended(list(_closure([taken])), negated=False)
    return None


def _step(
    readings: list[Reading], tokens: list[tuple[str, int]], parse: ArgumentParser
) -> tuple[list[Reading], int]:
    text = tokens[0][0].lower()
    steps = [(reading, *step) for reading in readings for step in reading.state.steps]
    words = {s.text for _, s, _ in steps if isinstance(s, Word) and s.text.startswith(text)}
    chosen = text if text in words else next(iter(words)) if len(words) == 1 else None
    if chosen is not None:
        return [
            reading.taking(chosen, step, target)
            for reading, step, target in steps
            if isinstance(step, Word) and step.text == chosen
        ], 1
    taken: list[Reading] = []
    used = 1
    for reading, step, target in steps:
        if not isinstance(step, Argument):
            continue
        value = parse(step.kind, tokens[0][0])
        if value is None and step.kind == "interface" and len(tokens) > 1:
            value = parse(step.kind, tokens[0][0] + tokens[1][0])
            used = 2 if value else used
        if value is not None:
            taken.append(reading.taking(value, step, target))
    if not taken and words:
        word = tokens[0][0]
        raise RefusalError(f'% Ambiguous command:  "{word}"', kind="ambiguous", word=word)
    return taken, used


def _ended(readings: list[Reading], *, negated: bool) -> Reading:
    for reading in readings:
        if reading.state.command is not None:
            return reading
    if negated:
        for reading in readings:
            if reading.state.marker and reading.tokens:
                return reading
    raise RefusalError("% Incomplete command.", kind="incomplete")


def next_words(start: State, line: str, parse: ArgumentParser) -> list[str]:
    """Return what may follow ``line``, as the ``?`` help lists it."""
    readings = list(_closure([Reading(start)]))
    tokens = words_of(line)
    partial = "" if not tokens or line.endswith(" ") else tokens.pop()[0].lower()
    for index in range(len(tokens)):
        stepped, _ = _step(readings, tokens[index : index + 1], parse)
        readings = list(_closure(stepped))
    found: set[str] = set()
    for reading in readings:
        if reading.state.command is not None and not partial:
            found.add("<cr>")
        for step, _ in reading.state.steps:
            if isinstance(step, Argument):
                found.add(f"<{step.kind}>")
            elif step.text.startswith(partial):
                found.add(step.text)
    return sorted(found)
