"""One list of reason codes: in the code, in the documentation, and nowhere another word."""

import re
from pathlib import Path

import yaml

from rom.model.reason import Reason

ROOT = Path(__file__).parents[3]
WORD = r"[A-Z]{2,}(?:_[A-Z]+)*"
WRITTEN = (
    re.compile(rf'\breason(?:: str)? = "({WORD})"'),
    re.compile(rf'\breason="({WORD})"'),
    re.compile(rf"Reason\.({WORD})\b"),
    re.compile(r'f?"([A-Z]{2,}(?:_[A-Z]+)+): '),
    re.compile(rf'\.(?:hold|again|await_|_hold|_wait)\([^")]*"({WORD})"'),
    re.compile(rf'otherwise: (?:str = ")?({WORD})'),
    re.compile(rf"AWAITING_{WORD}|WRONG_{WORD}"),
)
ROOMS = ("rom", "adapters", "device_profiles")


def documented() -> list[str]:
    text = (ROOT / "docs" / "reason-codes.md").read_text()
    return re.findall(rf"^\| `({WORD})` \|", text, flags=re.MULTILINE)


def written() -> set[str]:
    """Every reason code that code or profile data writes, as far as its shape tells."""
    found: set[str] = set()
    for room in ROOMS:
        for file in (*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.yaml")):
            for pattern in WRITTEN:
                for match in pattern.finditer(file.read_text()):
                    found.add(match[1] if match.re.groups else match[0])
    return found


def test_the_table_has_every_reason_code_once_in_the_order_of_the_code() -> None:
    assert documented() == [reason.value for reason in Reason]


def test_no_other_word_is_written() -> None:
    known = {reason.value for reason in Reason}
    verdicts = {"VERIFIED", "FAILED", "INDETERMINATE"}
    assert written() - verdicts <= known, written() - verdicts - known
    assert len(written() & known) > 20


def test_profiles_wait_and_fail_with_known_codes() -> None:
    known = {reason.value for reason in Reason}
    for file in (ROOT / "device_profiles").rglob("profile.yaml"):
        for checks in (yaml.safe_load(file.read_text()).get("checks") or {}).values():
            for check in checks:
                said = {*check.get("waiting", {}).values(), check.get("otherwise", "CHECK_FAILED")}
                assert said <= known, file
