"""Orders with hostile values, each from a fresh site, and what of them reaches the devices."""

import copy
from typing import Any

import pytest
import yaml
from lxml import etree

from tests.faults.network import ORDERS, Gateway, order, until
from tests.soak.fuzz.clients import JSON, Client, as_json
from tests.soak.fuzz.hostile import COMMANDS, EVIL, OTHERS, TEXTS, mutated, value

CANCEL = ORDERS.removesuffix("resourceOrder") + "cancelResourceOrder"
PARTS = ("RFS:GPON-Bearer", "RFS:VLAN-Service", "RFS:IP-Profile")
DEVICES = ("OLT-SOUTH-03", "BNG-MEL-01", "PROBE-MEL-01", "KEA-01", "RADIUS-01")
FINAL = ("completed", "cancelled", "failed", "partial", "rejected")
SETTLED = "SELECT 1 FROM change WHERE state IN ('waiting', 'claimed') LIMIT 1"


class Sites:
    """Makes sites, orders for them, and takes everything back."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.gateway: Gateway = client.gateway
        self.accepted = self.read_back = self.made = 0
        self._document = order("so-pilot-melbourne")
        self._site = yaml.safe_load(self.gateway.inventory.read_text())["sites"][0]
        self._fresh = self.fresh()
        self._cases = self._characteristics()

    def fresh(self, name: Any = None) -> str | None:
        """Load one more site; with a ``name`` that may be refused."""
        self.made += 1
        key = f"FUZZ-{self.made:05}"
        site = {**self._site, "key": key, "name": key if name is None else name}
        answer = self.client.send(
            "sites", "POST", "/rom/v1/inventory", content=as_json({"sites": [site]}), headers=JSON
        )
        return key if answer is not None and answer.status_code == 200 else None

    def _order(self, site: str, parts: tuple[str, ...]) -> dict[str, Any]:
        document = copy.deepcopy(self._document)
        document["externalId"] = f"{site}-{self.client.random.getrandbits(60):x}"
        items = []
        for item in document["orderItem"]:
            if item["resourceSpecification"]["id"] in parts:
                item.pop("orderItemRelationship", None)
                item["resource"]["place"] = {**item["resource"]["place"], "id": site, "name": site}
                items.append(item)
        document["orderItem"] = items
        return document

    def _characteristics(self) -> list[tuple[int, int, Any]]:
        """Every characteristic of the pilot with every hostile value, in an order of its own."""
        cases = [
            (number, place, bad)
            for number, item in enumerate(self._document["orderItem"])
            for place, _ in enumerate(item["resource"]["resourceCharacteristic"])
            for bad in (*TEXTS, *OTHERS)
        ]
        self.client.random.shuffle(cases)
        return cases

    def characteristic(self) -> None:
        """Order with the next hostile value of a characteristic."""
        if not self._cases:
            self._cases = self._characteristics()
        number, place, bad = self._cases.pop()
        document = self._order(self._ready(), self._all())
        characteristics = document["orderItem"][number]["resource"]["resourceCharacteristic"]
        characteristics[place]["value"] = bad
        self._post("characteristics", document)

    def body(self) -> None:
        """Order with a body that is hostile somewhere."""
        document = self._order(self._ready(), PARTS)
        self._post("order bodies", mutated(document, self.client.random))

    def name(self) -> None:
        """Order for a site with a hostile name, which devices get to see if it is taken."""
        site = self.fresh(value(self.client.random))
        if site is not None:
            self._post("names", self._order(site, PARTS))

    def _all(self) -> tuple[str, ...]:
        return tuple(item["resourceSpecification"]["id"] for item in self._document["orderItem"])

    def _ready(self) -> str:
        if self._fresh is None:
            self._fresh = self.fresh()
        assert self._fresh is not None, "a site like the shipped ones was refused"
        return self._fresh

    def _post(self, part: str, document: Any) -> None:
        answer = self.client.send(part, "POST", ORDERS, content=as_json(document), headers=JSON)
        if answer is None or answer.status_code != 201:
            return
        self.accepted += 1
        self._fresh = None
        order_id = answer.json()["id"]
        until(lambda: self._settled(order_id), "devices have what they get", 60)
        self.look()
        for _ in range(3):
            self.client.patch(order_id)
        self.client.send(
            "cancellations", "POST", CANCEL,
            content=as_json({"resourceOrder": {"id": order_id}}), headers=JSON,
        )  # fmt: skip
        until(lambda: self._order_state(order_id) in FINAL, lambda: self._told(order_id), 90)

    def _settled(self, order_id: str) -> bool:
        started = self._order_state(order_id) != "acknowledged"
        return started and not self.gateway.rows(SETTLED)

    def _order_state(self, order_id: str) -> str:
        (row,) = self.gateway.rows("SELECT state FROM resource_order WHERE id = :o", o=order_id)
        return str(row.state)

    def _told(self, order_id: str) -> str:
        rows = self.gateway.rows(
            "SELECT item_id, state, reason FROM order_item WHERE order_id = :o", o=order_id
        )
        return f"{order_id} ends: {rows}"

    def look(self) -> None:
        """Read all devices back: what was sent as a value is nowhere a command or an element."""
        for device in DEVICES:
            text = self.gateway.lab.running(device)
            self.read_back += 1
            for line in text.splitlines():
                if line.strip().startswith(COMMANDS):
                    pytest.fail(f"{device} has the command {line!r}")
            if text.lstrip().startswith("<"):
                root = etree.fromstring(text.encode())
                found = list(root.iter(f"{{*}}{EVIL}", EVIL))
                assert not found, f"{device} has the element {EVIL}"
