"""Configuration text to line paths, and lines to their negation, by hier_config.

A line path is a line behind the lines of the sections it lies in. What a platform does otherwise is
in its profile.
"""

import re
from collections.abc import Iterator

from hier_config import get_hconfig
from hier_config.models import (
    MatchRule,
    NegationSubRule,
    ParentAllowsDuplicateChildRule,
    PerLineSubRule,
)
from hier_config.platforms.driver_base import HConfigDriverBase, HConfigDriverRules
from hier_config.root import HConfig

from device_profiles.models import CliModel

_BLANKS = re.compile(r"(?<=\S)(?! \S)\s+(?=\S)")
_GUARD = 0xF0000
_GUARDED = re.compile(f"[{chr(_GUARD)}-{chr(_GUARD + 0xFFFF)}]")
_ROOT = "configuration"
_DEEPEST = 100
"""Sections in sections; a configuration has three or four."""


class LineRules(HConfigDriverBase):
    """A hier_config driver that knows what a profile's data tells it, and no vendor."""

    def __init__(self, model: CliModel) -> None:
        super().__init__()
        self.rules = HConfigDriverRules(
            per_line_sub=[
                PerLineSubRule(search=rf"^\s*(?:{item})$", replace="")
                for item in ("!.*", *model.ignored)
            ],
            negation_sub=[
                NegationSubRule(
                    match_rules=(MatchRule(re_search=rf"^(?:{item.line})$"),),
                    search=rf"^{self.negation_prefix}(?:{item.line})$",
                    replace=item.send,
                )
                for item in model.negations
            ],
            parent_allows_duplicate_child=[
                ParentAllowsDuplicateChildRule(match_rules=(MatchRule(),) * depth)
                for depth in range(1, _DEEPEST)
            ],
        )

    @staticmethod
    def _instantiate_rules() -> HConfigDriverRules:
        return HConfigDriverRules()

    @staticmethod
    def config_preprocessor(config_text: str) -> str:
        """Guard blanks, and put all lines into one section.

        hier_config makes one blank of several, which would change an operator's description when
        it is put back, and refuses a line that comes twice at the root.
        """
        lines = config_text.splitlines()
        return "\n".join([_ROOT, *(" " + _BLANKS.sub(_guarded, line) for line in lines)])


def line_paths(rules: LineRules, text: str) -> Iterator[tuple[str, ...]]:
    """Yield the path of every line of ``text`` in its order; no comment is one."""
    for child in get_hconfig(rules, text).all_children():
        path = tuple(_GUARDED.sub(_bare, line) for line in child.path())[1:]
        if path:
            yield path


def negated(rules: LineRules, line: str) -> str:
    """Return the line that takes ``line`` back."""
    return HConfig(rules).add_child(line).negate().text


def _guarded(found: re.Match[str]) -> str:
    return "".join(chr(_GUARD + ord(character)) for character in found[0])


def _bare(found: re.Match[str]) -> str:
    return chr(ord(found[0]) - _GUARD)
