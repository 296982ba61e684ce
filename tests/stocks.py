"""Small stocks for tests of the engine: what a file must have besides is added here."""

from copy import deepcopy
from typing import Any

from inventory.kinds import KINDS

Content = dict[str, Any]
GROUND_POOL = "Ground"
LINE: Content = {
    "technology": "gpon", "option82": "access", "device": "OLT", "port": "1/1",
    "bng": "BNG", "bng_port": "1", "l2_domain": "D",
}  # fmt: skip
GROUND: Content = {
    "network": {"cpe_profiles": {"ISR": {"ce": "iosxe-ce"}}},
    "devices": [
        {"name": "OLT", "role": "access", "profile": "bbf-olt"},
        {"name": "BNG", "role": "bng", "profile": "sros-bng"},
    ],
    "pools": [
        {
            "name": GROUND_POOL, "kind": "access-port", "item_attributes": LINE,
            "items": [
                {"value": domain, "attributes": {"l2_domain": domain}}
                for domain in ("D", "E", "BNG 1")
            ],
            "retired": [{"value": ["D", "E", "BNG 1"], "by": "no test"}],
        }
    ],
}  # fmt: skip
"""Devices and lines that pools of tests may refer to."""


def completed(content: Content) -> Content:
    """Return a file's content with what its kinds require and the test does not speak of."""
    whole = deepcopy(content)
    for pool in whole.get("pools", ()):
        _complete(pool)
    kinds = {pool["kind"] for pool in whole.get("pools", ())} - KINDS.keys()
    return {**whole, "new_kinds": sorted(kinds)} if kinds else whole


def _complete(pool: Content) -> None:
    own = pool.setdefault("attributes", {})
    match pool["kind"]:
        case "access-port" | "pon-port":
            pool["item_attributes"] = LINE | pool.get("item_attributes", {})
        case "cpe":
            pool["item_attributes"] = {"model": "ISR"} | pool.get("item_attributes", {})
            for item in pool["items"]:
                item["attributes"] = {"serial": item["value"]} | item.get("attributes", {})
        case "sap-bandwidth":
            own.setdefault("l2_domain", "D")
        case "access-bandwidth":
            pool["attributes"] = {"device": "OLT", "port": "1/1"} | own
