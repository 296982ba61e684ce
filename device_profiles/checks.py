"""Operational checks: what a device must report before an item counts as working."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from device_profiles.environment import evaluate, render_text
from device_profiles.errors import ProfileError
from device_profiles.profile import Profile
from device_profiles.render import step_path
from device_profiles.tree import Path


class CheckResult(StrEnum):
    """What one reported value means."""

    PASSED = "passed"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One fact to ask for and how to judge it.

    ``path`` for YANG and MIB objects, ``command`` with ``pattern`` (first group is the value) for
    command lines. ``waiting`` maps values to reason codes; its key ``""`` stands for no value.
    """

    name: str
    path: Path = ()
    command: str = ""
    pattern: str = ""
    expect: str = ""
    waiting: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = "CHECK_FAILED"

    def judge(self, value: str | None) -> tuple[CheckResult, str]:
        """Return the result and its reason code, empty when passed.

        A value passes when it equals ``expect`` or matches it as a whole regular expression.
        """
        if value is not None and (value == self.expect or _matches(self.expect, value)):
            return CheckResult.PASSED, ""
        reason = self.waiting.get(value or "")
        if reason is not None:
            return CheckResult.WAITING, reason
        return CheckResult.FAILED, self.otherwise


def _matches(expression: str, value: str) -> bool:
    try:
        return re.fullmatch(expression, value) is not None
    except re.error:
        return False


def checks(profile: Profile, fragment_name: str, context: Mapping[str, Any]) -> tuple[Check, ...]:
    """Return the checks of one item on a device of this platform, none where it has none.

    Raises ProfileError for an undefined name or a refused value.
    """
    made = []
    full = {**context, "tables": profile.tables}
    for template in profile.checks.get(fragment_name, ()):
        where = f"{profile.name}: check {template.name}"
        if template.when and not evaluate(template.when, full, where):
            continue
        made.append(
            Check(
                name=template.name,
                path=step_path(profile, template.path, full, where),
                command=render_text(template.command, full, where),
                pattern=render_text(template.pattern, full, where),
                expect=render_text(template.expect, full, where),
                waiting=template.waiting,
                otherwise=template.otherwise,
            )
        )
    return tuple(made)


def exec_lines(profile: Profile, fragment_name: str, context: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines to execute for one item that no configuration file can hold.

    Secrets stay references. Raises ProfileError when a value would add a word to its line.
    """
    made = []
    for source in profile.exec_lines.get(fragment_name, ()):
        where = f"{profile.name}: exec line"
        words = re.findall(r"\S*\{\{.*?\}\}\S*|\S+", source)
        rendered = [
            render_text(word, {**context, "tables": profile.tables}, where) for word in words
        ]
        if any(not word or re.search(r"\s", word) for word in rendered):
            raise ProfileError(f"{where}: a value must be one word")
        made.append(" ".join(rendered))
    return tuple(made)
