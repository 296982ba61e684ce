"""A configuration as it is shown, without what is none, and with a line for everything it means."""

import re
from collections.abc import Iterator, Sequence

from device_profiles.models import CliModel


class Reader:
    """Brings what a platform shows into plain lines, by the profile's data."""

    def __init__(self, model: CliModel) -> None:
        self._texts = [(re.compile(rf"\s*{text.begins}"), text) for text in model.texts]
        self._shared = [re.compile(line) for line in model.shared_lines]

    def lines(self, shown: str) -> Iterator[str]:
        """Yield the lines of the configuration. Free text is none of it, nor what begins it.

        What looks like the beginning of a text that never ends is a line like any other.
        """
        lines = shown.splitlines()
        number = 0
        while number < len(lines):
            after = self._after_text(lines, number)
            if after is not None:
                number = after
                continue
            yield from self._each(lines[number])
            number += 1

    def _after_text(self, lines: Sequence[str], number: int) -> int | None:
        """Return the number of the line behind the free text that begins here, if one does."""
        for begins, text in self._texts:
            found = begins.match(lines[number])
            if found is None:
                continue
            if not text.ends and found["mark"] in lines[number][found.end() :]:
                return number + 1
            ends = re.compile(text.ends or f".*{re.escape(found['mark'])}.*")
            behind = range(number + 1, len(lines))
            return next((at + 1 for at in behind if ends.fullmatch(lines[at])), None)
        return None

    def _each(self, line: str) -> Iterator[str]:
        for pattern in self._shared:
            found = pattern.fullmatch(line.rstrip())
            if found is not None:
                before, behind = line[: found.start("value")], line[found.end("value") :]
                yield from (f"{before}{value}{behind}" for value in expanded(found["value"]))
                return
        yield line


def expanded(text: str) -> list[str]:
    """Return the members a list such as ``10,20-22`` names; ``none`` names none."""
    members: list[str] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if dash and first.isdigit() and last.isdigit():
            members += [str(number) for number in range(int(first), int(last) + 1)]
        elif first and first != "none":
            members.append(part.strip())
    return members
