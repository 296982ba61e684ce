"""What is wrong with an inventory file, in words that lead to the repair."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

Place = tuple[int | str, ...]
"""Names and indices that lead to a value of a file."""
MOST_PROBLEMS = 1000
"""Most findings of one file that are told; who has that many has one more reason to look at it."""


class Problem(BaseModel):
    """One finding: the entry, its field, what is wrong, what would be right.

    ``pointer`` is its place as a JSON pointer (RFC 6901), ``line`` the one in the text, from 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: str
    field: str
    text: str
    fix: str
    pointer: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.entry}, {self.field}" if self.field else self.entry
        line = "" if self.line is None else f"line {self.line}: "
        return f"{line}{place}: {self.text}; {self.fix}"


def pointer_to(place: Iterable[int | str]) -> str:
    """Return a place as a JSON pointer (RFC 6901 section 3)."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in place)


def place_of(pointer: str) -> Place:
    """Return the place that a JSON pointer names; digits are taken for an index."""
    steps = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    return tuple(int(step) if step.isascii() and step.isdecimal() else step for step in steps)


def by_name(change: str, fix: str) -> str:
    """Return the mend of a change that is refused unless it is asked for by its name."""
    return f"{fix}, or have the services planned anew with --replace {change}"


class ExpansionError(ValueError):
    """An entry stands for nothing sensible; names the field, what is wrong and the fix."""

    def __init__(self, field_name: str, text: str, fix: str) -> None:
        self.field = field_name
        self.text = text
        self.fix = fix
        super().__init__(f"{field_name}: {text}; {fix}")


class InventoryFileError(Exception):
    """The file was refused and nothing was written; ``problems`` has every finding."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))
