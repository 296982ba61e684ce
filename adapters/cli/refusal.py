"""Which of a command line's words mean no."""

import re

_PERCENT = re.compile(r"^\s*(?P<words>%.*)$", re.MULTILINE)
_HARMLESS = (
    re.compile(r"% ?Access VLAN does not exist\. Creating vlan \d+"),
    re.compile(r"% ?Generating \d+ bit RSA keys.*"),
    re.compile(r"% ?The key modulus size is \d+ bits"),
    re.compile(r"% ?Key pair was generated.*"),
    re.compile(r"% ?Warning: portfast .*", re.IGNORECASE),
)
"""What IOS prints although it did as told. Any other line with a percent sign is a refusal, also
a warning: nobody has judged it yet."""


def refusal(printed: str) -> str:
    """Return the device's refusal in ``printed``, empty when it did as told.

    Syslog messages must be gone already: they begin with a percent sign too.
    """
    for found in _PERCENT.finditer(printed):
        words = found["words"].strip()
        if not any(pattern.fullmatch(words) for pattern in _HARMLESS):
            return words
    return ""
