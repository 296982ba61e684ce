"""What templates see of the example sites, and which site goes with which platform."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "data" / "contexts"
ALL_SITES = ("ENT-1102-MELB", "ENT-1102-SYD1", "ENT-1102-SYD2")
SITES_OF = {
    "bbf-olt": ("ENT-1102-MELB",),
    "openconfig-switch": ("ENT-1102-SYD1",),
    "ios-switch": ("ENT-1102-SYD2",),
    "frr-ce": ("ENT-1102-MELB-frr", "ENT-1102-SYD1-frr"),
    "sros-bng": (*ALL_SITES, "ENT-1102-SYD2-ipv4"),
    "freeradius-sql": (*ALL_SITES, "ENT-1102-SYD2-ipv4"),
    "iosxe-ce": (*ALL_SITES, "ENT-1102-SYD2-ipv4"),
    "junos-bng": ("ENT-1102-MELB-junos", "ENT-1102-SYD1-junos"),
    "iosxr-bng": ("ENT-1102-MELB-iosxr", "ENT-1102-SYD1-iosxr"),
}
"""The sites of platforms that do not go with all of them."""


@lru_cache
def load_context(site: str) -> dict[str, Any]:
    """Return what templates see; a context that is ``based_on`` another says what differs.

    What it says is null is not there.
    """
    file = FOLDER / f"{site}.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    base = found.pop("based_on", None)
    return found if base is None else _overlaid(load_context(base), found)


def _overlaid(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        known = result.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        result[key] = _overlaid(known, value) if both else value
    return {key: value for key, value in result.items() if value is not None}
