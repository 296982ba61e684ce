"""Command lines to canonical trees and back, for IOS-like configurations.

A section's line is a step; a command the profile describes becomes a named step with a value, a
toggle or members; every other line is a step of its own. Line sets are sent with ``add`` and
``remove`` only, as the profile spells them.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from device_profiles.cli_grammar import Grammar, grammar, split_member
from device_profiles.cli_lines import line_paths, negated
from device_profiles.dialects import CliDialect
from device_profiles.errors import ProfileError
from device_profiles.models import Shown
from device_profiles.profile import Profile
from device_profiles.tree import PRESENT, SECRET_PREFIX, Edit, Path, Tree, in_scope, path_text
from device_profiles.values import digest

_REFERENCE = re.compile(re.escape(SECRET_PREFIX) + r"[A-Za-z0-9][A-Za-z0-9/_.-]*")


@dataclass(frozen=True, slots=True)
class Command:
    """One line to send, the sections to be in, and the edits it makes."""

    context: tuple[str, ...]
    line: str
    edits: tuple[Edit, ...]


def decode(profile: Profile, text: str, scope: Collection[Path] = ((),)) -> dict[Path, str]:
    """Return the tree of a running configuration, reduced to ``scope`` and the entries it lies in.

    Secret values come back as digests of what the device shows. Toggles that the text does not
    show have their default, at the root and in sections that cannot be removed. Of sets that all
    there are belong to, those in ``scope`` are there. Free text is left out.
    """
    tree = _parsed(profile, text, digest)
    tree |= dict.fromkeys(implied(profile, text, scope, tree), PRESENT)
    return in_scope(tree, scope)


def implied(
    profile: Profile, text: str, paths: Collection[Path], tree: Tree | None = None
) -> frozenset[Path]:
    """Return the paths of members that are there only because a set is not listed at all.

    They are nobody's: adding one changes nothing, and removing one would list all the others.
    """
    rules = grammar(profile)
    asked = [(path, rule) for path in paths if (rule := _of_all(profile, path)) is not None]
    if not asked:
        return frozenset()
    shown = _parsed(profile, text, digest) if tree is None else tree
    listed = _listed(rules, text)
    return frozenset(
        path
        for path, rule in asked
        if (*path[:-1], split_member(path[-1])[0]) not in listed
        and shown.get((*path[:-1], rule.step)) == rule.value
    )


def _of_all(profile: Profile, path: Path) -> Shown | None:
    """Return what makes a member belong to its set where that is not listed, if anything does."""
    if len(path) < 2 or split_member(path[-1])[1] is None:
        return None
    command = grammar(profile).named(path[-2], path[-1])
    return command.rule.all_unless_listed if command else None


def _listed(rules: Grammar, text: str) -> set[Path]:
    """Return the sets that the text lists, also those listed as empty."""
    found = set()
    for path in line_paths(rules.lines, "\n".join(rules.reader.lines(text))):
        step = rules.list_of(path[-2] if len(path) > 1 else "", path[-1])
        if step is not None:
            found.add((*path[:-1], step))
    return found


def parse_template(profile: Profile, text: str, where: str) -> dict[Path, str]:
    """Return the tree that rendered template lines ask for; secret references stay references.

    Raises ProfileError for lines that are incomplete or hold characters the command line acts on.
    """
    rules = grammar(profile)
    for character in rules.model.refused:
        if character in text:
            raise ProfileError(f"{where}: the command line acts on {character!r}")
    tree = _parsed(profile, text, lambda value: value, defaults=False)
    for path in tree:
        section = path[-2] if len(path) > 1 else ""
        if tree[path] == PRESENT and rules.lacks_value(section, path[-1]):
            raise ProfileError(f"{where}: {path_text(path)}: the command lacks its value")
    return tree


def _parsed(
    profile: Profile, text: str, conceal: Callable[[str], str], *, defaults: bool = True
) -> dict[Path, str]:
    rules = grammar(profile)
    tree: dict[Path, str] = {}
    for path in line_paths(rules.lines, "\n".join(rules.reader.lines(text))):
        parent, line = path[:-1], path[-1]
        settings = rules.settings(parent[-1] if parent else "", line)
        for setting in settings or ():
            step = (*parent, setting.step)
            tree[step] = conceal(setting.value) if profile.is_secret(step) else setting.value
        if settings is None:
            tree[path] = PRESENT
    if defaults:
        _add_defaults(rules, tree)
    return tree


def _add_defaults(rules: Grammar, tree: dict[Path, str]) -> None:
    """Fill in what lasting sections do not show.

    A section that can be removed gets none: its defaults would look like somebody's content.
    """
    lasting = [path for path in tree if tree[path] == PRESENT and rules.is_permanent(path)]
    for path in [(), *lasting]:
        for setting in rules.defaults(path[-1] if path else ""):
            tree.setdefault((*path, setting.step), setting.value)


def encode_lines(profile: Profile, edits: Collection[Edit]) -> list[tuple[str, ...]]:
    """Return the lines that make ``edits``, each behind the section lines it belongs to.

    What others refer to is created first and removed last. A removed section takes its content
    with it. Sections that cannot be removed are emptied instead.
    """
    return [(*command.context, command.line) for command in encode_commands(profile, edits)]


def encode_commands(profile: Profile, edits: Collection[Edit]) -> list[Command]:
    """Return the commands that make ``edits``, in the order to send them."""
    rules = grammar(profile)
    inner, sets, sections = [], [], []
    for group in _collapsed(rules, edits):
        edit = group[0]
        command = _command(rules, edit, group)
        if command is None:
            continue
        if edit.after is not None:
            sets.append((rules.order(edit.path), command))
        elif rules.is_section(edit.path):
            sections.append((rules.order(edit.path), command))
        else:
            inner.append((rules.order(edit.path), command))
    ordered = [
        *sorted(inner, key=lambda item: item[0], reverse=True),
        *sorted(sets, key=lambda item: item[0]),
        *sorted(sections, key=lambda item: item[0], reverse=True),
    ]
    return [command for _, command in ordered]


def _collapsed(rules: Grammar, edits: Iterable[Edit]) -> list[tuple[Edit, ...]]:
    """Group removals below a removed section with that section's removal."""
    groups: dict[Path, list[Edit]] = {}
    removed: set[Path] = set()
    for edit in sorted(edits, key=lambda edit: edit.path):
        above = (edit.path[:length] for length in range(1, len(edit.path)))
        top = next((path for path in above if path in removed), None)
        if top is not None and edit.after is not None:
            raise ProfileError(f"{path_text(edit.path)}: set in a section that is removed")
        if top is not None:
            groups[top].append(edit)
            continue
        groups[edit.path] = [edit]
        if edit.after is None and not rules.is_permanent(edit.path):
            removed.add(edit.path)
    return [tuple(group) for group in groups.values()]


def _command(rules: Grammar, edit: Edit, group: tuple[Edit, ...]) -> Command | None:
    context, step = edit.path[:-1], edit.path[-1]
    rule = rules.named(context[-1] if context else "", step)
    if rule is not None:
        line = rule.lines(step, edit.before, edit.after)
    elif edit.after is not None:
        line = step
    else:
        line = None if rules.is_permanent(edit.path) else negated(rules.lines, step)
    return None if line is None else Command(context, line, group)


def day1_text(profile: Profile, tree: Tree) -> str:
    """Return a whole configuration file that holds ``tree``, in an order the device accepts.

    The same tree gives the same bytes however it was built. Secrets stay references; see
    ``with_secrets``.
    """
    rules = grammar(profile)
    lines: list[str] = []
    opened: Path = ()
    for path in sorted(tree, key=rules.order):
        section, step = path[:-1], path[-1]
        lines += _left(rules, opened, path)
        rule = rules.named(section[-1] if section else "", step)
        line = rule.lines(step, None, tree[path]) if rule else step
        lines.append(" " * len(section) + (line or step))
        opened = path
    lines += _left(rules, opened, ())
    end = [profile.dialect.configuration.leave] if isinstance(profile.dialect, CliDialect) else []
    return "\n".join([*lines, *end, ""])


def _left(rules: Grammar, opened: Path, path: Path) -> list[str]:
    """Return the lines between a line and the next: what closes the sections left behind."""
    lines = []
    for depth in range(len(opened), 0, -1):
        if path[:depth] == opened[:depth]:
            break
        closing = rules.closing(opened[depth - 1])
        if closing is not None:
            lines.append(" " * (depth - 1) + closing)
    if len(opened) > 1 and path[:1] != opened[:1]:
        lines.append("!")
    return lines


def with_secrets(text: str, resolve: Callable[[str], str]) -> str:
    """Return ``text`` with every secret reference replaced by what ``resolve`` returns for it.

    Safe because rendering refuses values that look like a reference.
    """
    return _REFERENCE.sub(lambda found: resolve(found[0].removeprefix(SECRET_PREFIX)), text)
