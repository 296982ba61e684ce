"""What ``rom doctor`` has found."""

from device_profiles.words import Word
from rom.answers.answer import Answer


class Finding(Word):
    """How one thing is."""

    OK = "ok"
    NOTE = "note"  # worth knowing; nothing is wrong
    FAILS = "fails"


class Examined(Answer):
    """One thing that was looked at."""

    name: str
    finding: Finding
    text: str
    mend: str = ""


class Size(Answer):
    """What one table takes."""

    table: str
    size: int
    """Bytes, with indexes and what is stored apart."""
    rows: int
    """As PostgreSQL estimates them."""


class Health(Answer):
    """Everything that was looked at."""

    findings: tuple[Examined, ...]
    tables: tuple[Size, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether something keeps the gateway, or will keep it, from working."""
        return any(each.finding is Finding.FAILS for each in self.findings)
