"""What is wrong with an inventory file, in words that lead to the repair."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """One finding: the entry, its field, what is wrong, what would be right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: str
    field: str
    text: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.entry}, {self.field}" if self.field else self.entry
        return f"{place}: {self.text}; {self.fix}"


class InventoryFileError(Exception):
    """The file was refused and nothing was written; ``problems`` has every finding."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))
