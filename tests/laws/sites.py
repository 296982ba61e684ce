"""Twelve sites and more, derived from the pilot's context, and what they want on two devices."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import yaml

from device_profiles.fragment import Fragment
from device_profiles.profile import Profile, load_profile
from device_profiles.render import render

ROOT = FilePath(__file__).parents[2]
OLT = "OLT-SOUTH-03"
BNG = "BNG-MEL-01"
DEVICES = (OLT, BNG)
ROLES = {OLT: "access", BNG: "bng"}
PROFILES = {OLT: "bbf-olt", BNG: "sros-bng"}
ITEMS = {
    OLT: ("gpon-bearer", "vlan-service", "qos-policy"),
    BNG: ("vlan-service", "ip-profile", "qos-policy", "sla-monitoring"),
}
SPEEDS = (100, 500, 800)
SITES_OF_FIRST_CUSTOMER = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """What a site is sold: megabits per second, and one of two VLANs it may be moved between."""

    speed: int
    moved: bool = False


@lru_cache
def _pilot() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(
        (ROOT / "tests/data/contexts/ENT-1102-MELB.yaml").read_text()
    )
    return document


@lru_cache
def profile(device: str) -> Profile:
    return load_profile(PROFILES[device])


def key(index: int) -> str:
    customer = 1102 if index < SITES_OF_FIRST_CUSTOMER else 2207
    return f"ENT-{customer}-L{index:03}"


def _rate(megabits: int) -> dict[str, int]:
    return {"bps": megabits * 1_000_000, "kbps": megabits * 1000, "mbps": megabits}


def context(index: int, wish: Wish) -> dict[str, Any]:
    """The pilot's context with everything a site may share with nobody made its own."""
    made = copy.deepcopy(_pilot())
    site = key(index)
    made["site"] = {**made["site"], "key": site}
    if index >= SITES_OF_FIRST_CUSTOMER:
        made["customer"] = {
            "id": "CUST-ENT-2207", "name": "Harbour Freight Ltd", "number": 2207,
            "vpn": "ENT-2207", "autonomous_system": 65207,
        }  # fmt: skip
    vlan = 3000 + index + (500 if wish.moved else 0)
    layer2 = wish.speed * 105 // 100
    made["item"]["qos"] |= {
        "downstream": _rate(wish.speed),
        "upstream": _rate(wish.speed),
        "layer2_upstream": {"bps": wish.speed * 1_050_000, "kbps": 0, "mbps": layer2},
        "policy": f"BW-{wish.speed}-{wish.speed}-GOLD-ENT",
        "traffic_descriptor": f"TDP-BW-{wish.speed}-GOLD",
    }
    net = f"10.70.{index}"
    res = made["res"]
    res["ont"] |= {"value": f"ALCLAA{index:06X}", "serial": f"ALCLAA{index:06X}"}
    res["onu_id"] = {"value": 40 + index}
    res["alloc_id"] = {"value": 1500 + index}
    res["gemport_tc1"] = {"value": 2001 + 2 * index}
    res["gemport_tc3"] = {"value": 2002 + 2 * index}
    res["vlan"] = {"value": vlan}
    res["ipv4"] |= {
        "value": f"{net}.0/29", "prefix": f"{net}.0/29", "network": f"{net}.0",
        "gateway": f"{net}.1", "ce": f"{net}.2",
    }  # fmt: skip
    prefix = f"2001:db8:70:{index:x}"
    res["ipv6"] |= {
        "value": f"{prefix}::/64", "prefix": f"{prefix}::/64",
        "gateway": f"{prefix}::1", "ce": f"{prefix}::2",
    }  # fmt: skip
    made["circuit_id"] = f"{OLT} xpon 2/8/{40 + index}:{vlan}"
    return made


@lru_cache(maxsize=4096)
def _fragments(device: str, index: int, wish: Wish) -> dict[str, Fragment]:
    filled = {**context(index, wish), "device": {"name": device, "role": ROLES[device]}}
    filled["device"]["attributes"] = {}
    return {
        f"ROI-{number}": render(profile(device), item, filled)
        for number, item in enumerate(ITEMS[device])
    }


def fragments(device: str, index: int, wish: Wish | None) -> Mapping[str, Fragment]:
    """What the site wants on the device by item; nothing when it is not there (any more)."""
    return {} if wish is None else _fragments(device, index, wish)
