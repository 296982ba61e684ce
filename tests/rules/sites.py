"""What the sites of these tests want."""

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Path

TEMPLATE: Path = ("templates", "template[name='gold']")
RATE: Path = (*TEMPLATE, "rate")
GOLD = {TEMPLATE: PRESENT, RATE: "1"}


class Died(BaseException):
    """The end of a process."""


def entry(name: str) -> Path:
    return ("sites", f"site[name='{name}']")


def speed(name: str) -> Path:
    return (*entry(name), "speed")


def own(name: str, value: str = "500") -> Fragment:
    """An entry of the site's own."""
    return Fragment({entry(name): PRESENT, speed(name): value})


def gold() -> Fragment:
    """A template that sites share, and nothing else."""
    return Fragment(shared=(SharedObject(TEMPLATE, GOLD),))


def site(name: str, value: str = "500") -> Fragment:
    """An entry of the site's own, and the shared template."""
    return Fragment(own(name, value).own, gold().shared)
