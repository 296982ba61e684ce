"""What people order while gateways die: adds, modifies, cancellations, rollbacks, deletes."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from time import monotonic
from uuid import uuid4

from inventory.holding import sweep_quarantine
from rom.model.order_states import FINAL_ORDER_STATES
from tests.acceptance.noc import FIRST, PILOT, SECOND, SYDNEY, brisbane, only, without
from tests.faults.network import ORDERS, Row, order
from tests.soak.kills.pair import Pair

CANCELLATIONS = ORDERS.replace("v4/r", "v4/cancelR")
ROLLBACKS = "/rom/v1/siteRollback"
RATES = ("100M", "200M", "300M", "400M", "600M")
PATIENCE = 240
"""Seconds after which something that does not end counts as stuck."""
CPE = "CE-Router"
STORY = (
    "SELECT order_id, item_id, action, state, step, reason, attempts, due_at, updated_at"
    " FROM order_item WHERE site = :s AND state NOT IN ('completed', 'cancelled')",
    "SELECT n.date, n.order_id, n.item_id, n.text FROM item_note n JOIN order_item i"
    " USING (order_id, item_id) WHERE i.site = :s ORDER BY n.id DESC LIMIT 20",
    "SELECT * FROM (SELECT id, device, kind, state, due_at, attempts, reason, error, requested_at,"
    " finished_at FROM change WHERE site = :s ORDER BY id DESC LIMIT 20) AS latest",
    "SELECT serial, state, detail, updated_at FROM ztp_ticket WHERE site = :s",
    "SELECT device, site, path, before, intended, read_back, sequence FROM net_effect"
    " WHERE (device, path) IN (SELECT device, path FROM net_effect WHERE site = :s AND device IN"
    " (SELECT device FROM change WHERE site = :s AND state = 'refused')) ORDER BY device, path",
)
"""What is told of a site that is stuck."""


def wishes() -> dict[str, Row]:
    """The first order of each site; two of them with a router that has to be brought up."""
    return {
        FIRST: without(brisbane(FIRST), "SLA-Monitoring", CPE),
        SECOND: without(brisbane(SECOND), "SLA-Monitoring", CPE),
        PILOT: order("so-pilot-melbourne"),
        SYDNEY: without(order("so-wave1-sydney-2"), "SLA-Monitoring"),
    }


@dataclass
class Book:
    """What was accepted, by key, and what became of it; several threads write."""

    orders: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)


class Site:
    """One site's life, told by one thread."""

    def __init__(self, pair: Pair, site: str, wish: Row, book: Book, random: Random) -> None:
        self._pair = pair
        self._site = site
        self._wish = wish
        self._book = book
        self._random = random

    def live(self, stop: threading.Event) -> None:
        """Order and take back until told to stop."""
        while not stop.is_set():
            if not self.in_service():
                self.comes()
                continue
            deed = self._random.choices(
                (self._modify, self._cancel_a_modify, self._roll_back, self._delete, self._race),
                (8, 3, 3, 2, 3),
            )[0]
            deed()

    def comes(self) -> None:
        """Order the site anew, as if years had passed since it went."""
        self.goes()
        with self._pair.replicas[0].engine.begin() as connection:
            sweep_quarantine(connection, datetime.now(UTC) + timedelta(days=3650))
        lab = self._pair.replicas[0].lab
        for row in self._pair.replicas[0].rows(
            "SELECT DISTINCT device FROM snapshot WHERE role = 'ce' AND site = :s", s=self._site
        ):
            lab.do(f"/ce/{row.device}/factory-reset")
            lab.do(f"/ce/{row.device}/boot")
        order_id = self._post(self._wish, "add")
        if order_id is not None:
            self._ends(order_id)

    def goes(self) -> None:
        """Take back all that the site has."""
        answer = self._pair.ask("POST", ROLLBACKS, json={"site": self._site, "dryRun": False})
        if answer.status_code == 201:
            self._count("rollback")
        self._no_task_is_open()

    def in_service(self) -> bool:
        """Tell whether an add of the site is in force."""
        return bool(
            self._pair.replicas[0].rows(
                "SELECT 1 FROM order_item WHERE site = :s AND in_force AND action = 'add' "
                "AND state = 'completed' LIMIT 1",
                s=self._site,
            )
        )

    def _modify(self) -> str | None:
        order_id = self._post(self._faster(), "modify")
        if order_id is not None:
            self._ends(order_id)
        return order_id

    def _cancel_a_modify(self) -> None:
        order_id = self._post(self._faster(), "modify")
        if order_id is not None:
            self._cancel(order_id)
            self._ends(order_id)

    def _roll_back(self) -> None:
        before = self._modify() if self._random.random() < 0.7 else None
        asked = {"before": before} if before else {}
        answer = self._pair.ask(
            "POST", ROLLBACKS, json={"site": self._site, "dryRun": False, **asked}
        )
        self._count("rollback" if answer.status_code == 201 else "rollback refused")
        self._no_task_is_open()

    def _delete(self) -> None:
        document = {**self._wish, "orderItem": [dict(item) for item in self._wish["orderItem"]]}
        for item in document["orderItem"]:
            item["action"] = "delete"
            item.pop("orderItemRelationship", None)
        order_id = self._post(document, "delete")
        if order_id is not None:
            self._ends(order_id)

    def _race(self) -> None:
        """A modify, its cancellation and a rollback at once."""
        order_id = self._post(self._faster(), "modify")
        if order_id is None:
            return
        threads = [
            threading.Thread(target=self._cancel, args=(order_id,)),
            threading.Thread(target=self.goes),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._ends(order_id)

    def _faster(self) -> Row:
        rate = self._random.choice(RATES)
        document = only(wishes()[self._site], "QoS-Policy")
        (item,) = document["orderItem"]
        item["action"] = "modify"
        item["resource"]["resourceCharacteristic"] = [
            {"name": "downstream", "value": rate},
            {"name": "upstream", "value": rate},
        ]
        return document

    def _post(self, document: Row, what: str) -> str | None:
        """Post until there is an answer, always with the same key; returns an accepted order."""
        key = str(uuid4())
        answer = self._pair.ask("POST", ORDERS, json=document, headers={"Idempotency-Key": key})
        if answer.status_code not in (200, 201):
            assert answer.status_code in (400, 409), answer.text
            self._count(f"{what} refused")
            return None
        order_id = str(answer.json()["id"])
        self._book.orders[key] = order_id
        self._count(what)
        return order_id

    def _cancel(self, order_id: str) -> None:
        body = {"resourceOrder": {"id": order_id}, "cancellationReason": "soak"}
        answer = self._pair.ask("POST", CANCELLATIONS, json=body)
        self._count("cancel" if answer.status_code == 201 else "cancel refused")

    def _ends(self, order_id: str) -> None:
        """Wait until the order is final; one that is held is cancelled."""
        deadline = monotonic() + PATIENCE
        again = 0.0
        pause = threading.Event()
        while monotonic() < deadline:
            state = self._pair.ask("GET", f"{ORDERS}/{order_id}").json()["state"]
            if state in FINAL_ORDER_STATES:
                self._count(f"order {state}")
                return
            if state == "held" and monotonic() > again:
                self._count("held")
                self._cancel(order_id)
                again = monotonic() + 3
            pause.wait(0.25)
        self._stuck(f"order {order_id} is {state}")

    def _no_task_is_open(self) -> None:
        deadline = monotonic() + PATIENCE
        pause = threading.Event()
        while monotonic() < deadline:
            rows = self._pair.replicas[0].rows(
                "SELECT id, state FROM rollback_task WHERE site = :s "
                "AND state IN ('acknowledged', 'inProgress')",
                s=self._site,
            )
            if not rows:
                return
            pause.wait(0.25)
        self._stuck(f"rollback {rows}")

    def _stuck(self, what: str) -> None:
        found = [f"{self._site}: {what} after {PATIENCE} s"]
        for query in STORY:
            found += map(str, self._pair.replicas[0].rows(query, s=self._site))
        found += [f"{key}: {value}" for key, value in self._pair.replicas[0].lab.routers().items()]
        self._book.stuck.append("\n".join(found))

    def _count(self, what: str) -> None:
        self._book.counts[what] += 1
