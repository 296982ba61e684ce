"""What one configuration line does to a configuration."""

from collections.abc import Callable

from mock_devices.cli.arguments import vlan_members, vlan_text
from mock_devices.cli.configuration import Key, Line, Section
from mock_devices.cli.grammar import Command, Grammar
from mock_devices.cli.pattern import Reading, RefusalError
from mock_devices.cli.vault import Vault

ConfigurationAction = Callable[[str, dict[str, str], bool], str]
"""Does what a line asks for at once: name of the action, arguments, whether it was negated."""

_ALL_VLANS = frozenset(range(1, 4095))


class Editor:
    """Applies lines to the configuration below ``root``."""

    def __init__(
        self, grammar: Grammar, root: Section, vault: Vault, perform: ConfigurationAction
    ) -> None:
        self.grammar = grammar
        self.root = root
        self._vault = vault
        self._perform = perform

    def apply(self, stack: list[Section], text: str) -> str:
        """Apply one line and return what the device says about it.

        ``stack`` holds the open sections, outermost first, and is changed as modes open and close.
        A line unknown to the innermost mode is tried in the modes around it, as IOS does.
        Raises RefusalError; nothing has changed then.
        """
        negated = text.strip().lower().startswith("no ")
        offset = len(text) - len(text.lstrip()) + 3 if negated else 0
        refusals: list[RefusalError] = []
        for depth in range(len(stack) - 1, -1, -1):
            try:
                command, reading, index = self.grammar.read(
                    stack[depth].mode, text, negated=negated, offset=offset
                )
            except RefusalError as refusal:
                refusals.append(refusal)
                if refusal.column is None:
                    break
                continue
            message = self._carry_out(stack[: depth + 1], command, reading, index, negated=negated)
            del stack[depth + 1 :]
            self._change_mode(stack, command, reading, negated=negated)
            return message
        raise max(refusals, key=lambda refusal: 999 if refusal.column is None else refusal.column)

    def _change_mode(
        self, stack: list[Section], command: Command, reading: Reading, *, negated: bool
    ) -> None:
        if command.leave:
            stack.pop()
        elif command.enter and not negated:
            line = stack[-1].lines[self._key(command, reading, dict(reading.arguments))]
            if line.section is not None:
                stack.append(line.section)

    def _carry_out(
        self, stack: list[Section], command: Command, reading: Reading, index: int, *, negated: bool
    ) -> str:
        arguments = dict(reading.arguments)
        if command.action:
            return self._perform(command.action, arguments, negated)
        if command.leave:
            return ""
        if command.toggle:
            self._toggle(stack[-1], command, reading, index, on=not negated)
            return ""
        if negated:
            self._remove(stack[-1], command, reading, arguments)
            return ""
        self._check(stack, command, arguments)
        return self._store(stack[-1], command, reading, index)

    def _toggle(
        self, section: Section, command: Command, reading: Reading, index: int, *, on: bool
    ) -> None:
        key = reading.tokens
        if on == (command.toggle == "on") and not command.always_shown:
            section.lines.pop(key, None)
            return
        arguments = dict(reading.arguments)
        section.lines[key] = Line(command, index, key, " ".join(key), arguments, negated=not on)

    def _check(self, stack: list[Section], command: Command, arguments: dict[str, str]) -> None:
        for reference in command.refers:
            if set(reference.unless) & set(arguments.values()):
                continue
            wanted = reference.to.format_map(arguments)
            if not any(section.knows(wanted) for section in stack):
                raise RefusalError(reference.error.format_map(arguments))

    def _key(self, command: Command, reading: Reading, arguments: dict[str, str]) -> Key:
        if command.key:
            return tuple(command.key.format_map(arguments).split())
        return reading.tokens[: reading.key_length]

    def _store(self, section: Section, command: Command, reading: Reading, index: int) -> str:
        arguments = dict(reading.arguments)
        if command.secret:
            arguments["secret"] = self._vault.hidden(arguments["secret"], command.secret)
        text = command.text.format_map(arguments) if command.text else " ".join(reading.tokens)
        key = self._key(command, reading, arguments)
        known = section.lines.get(key)
        if command.only_one and known is None:
            for line in section.lines.values():
                if line.index == index:
                    raise RefusalError(command.only_one.format(existing=line.words[-1]))
        if command.numbered:
            key, text = _numbered(section, arguments, reading.tokens)
            known = section.lines.get(key)
            if known is not None and known.text != text:
                raise RefusalError("% Duplicate sequence number")
        if command.vlan_set:
            self._edit_vlans(section, Line(command, index, key, text, arguments))
            return ""
        inner = known.section if known else Section(command.enter) if command.enter else None
        if known is not None and known.command.pattern == command.pattern:
            # A value that changes keeps its place among the lines of its kind.
            known.text, known.arguments = text, arguments
        else:
            section.lines[key] = Line(command, index, key, text, arguments, section=inner)
        return self._create(command, arguments)

    def _create(self, command: Command, arguments: dict[str, str]) -> str:
        if command.creates is None:
            return ""
        wanted = command.creates.line.format_map(arguments)
        if self.root.has(wanted):
            return ""
        self.apply([self.root], wanted)
        return command.creates.say.format_map(arguments)

    def _edit_vlans(self, section: Section, line: Line) -> None:
        known = section.lines.get(line.key)
        present = _vlans_of(known)
        given = vlan_members(line.arguments.get("vlans", "1")) or frozenset()
        result = {
            "add": present | given,
            "remove": present - given,
            "except": _ALL_VLANS - given,
            "all": _ALL_VLANS,
            "none": frozenset[int](),
        }.get(line.arguments.get("operation", ""), given)
        if result == _ALL_VLANS:
            section.lines.pop(line.key, None)
            return
        line.text = f"{' '.join(line.key)} {vlan_text(result) or 'none'}"
        section.lines[line.key] = line

    def _remove(
        self, section: Section, command: Command, reading: Reading, arguments: dict[str, str]
    ) -> None:
        if command.permanent and arguments.get("interface") in self.grammar.interfaces:
            raise RefusalError(command.permanent)
        if reading.prefix:
            _remove_starting(section, reading.tokens)
            return
        if command.numbered:
            _remove_numbered(section, arguments, reading.tokens)
            return
        if command.held is not None:
            used = command.held.used.format_map(arguments)
            if any(line.text == used for line in self.root.everywhere()):
                raise RefusalError(command.held.error.format_map(arguments))
        section.lines.pop(self._key(command, reading, arguments), None)


def _vlans_of(line: Line | None) -> frozenset[int]:
    if line is None:
        return _ALL_VLANS
    return vlan_members(line.words[-1]) or frozenset()


def _numbered(
    section: Section, arguments: dict[str, str], tokens: tuple[str, ...]
) -> tuple[Key, str]:
    sequence = arguments.get("sequence")
    rule = tokens[1:] if sequence else tokens
    for line in section.lines.values():
        if line.words[1:] == rule and sequence in {None, line.words[0]}:
            return line.key, line.text
    if sequence is None:
        sequence = str(max((int(key[0]) for key in section.lines), default=0) + 10)
    return (sequence,), " ".join((sequence, *rule))


def _remove_numbered(section: Section, arguments: dict[str, str], tokens: tuple[str, ...]) -> None:
    if sequence := arguments.get("sequence"):
        section.lines.pop((sequence,), None)
        return
    for key, line in list(section.lines.items()):
        if line.words[1:] == tokens:
            del section.lines[key]


def _remove_starting(section: Section, prefix: Key) -> None:
    for key, line in list(section.lines.items()):
        if line.words[: len(prefix)] == prefix:
            del section.lines[key]
        elif line.section is not None:
            _remove_starting(line.section, prefix)
