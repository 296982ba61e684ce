"""Which of a command line's words mean no, by the words that the platform's dialect lists."""

import re

from device_profiles.dialects import CliDialect


def refusal(dialect: CliDialect, printed: str, *, configuring: bool = False) -> str:
    """Return the device's refusal in ``printed``, empty when it did as told.

    ``configuring`` says that a configuration line was sent: on a silent platform any answer to
    one that is no known warning is a refusal. Syslog messages must be gone already: they may look
    like refusals.
    """
    lines = [line.strip() for line in printed.splitlines()]
    answers = [line for line in lines if line and not _any(dialect.warns, line)]
    for line in answers:
        if _any(dialect.refuses, line):
            return line
    return answers[0] if answers and configuring and dialect.silent else ""


def _any(patterns: tuple[str, ...], line: str) -> bool:
    return any(re.fullmatch(pattern, line) for pattern in patterns)
