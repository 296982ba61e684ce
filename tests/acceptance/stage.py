"""Sets a network's sites as a test wants to find them, whatever an earlier test has done."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from inventory.holding import sweep_quarantine
from tests.acceptance.noc import FIRST, PILOT, SECOND, SYDNEY, Noc
from tests.faults.network import ORDERS

OTHERS = (SECOND, PILOT, SYDNEY)
Running = dict[str, str]


class Stage:
    """The sites of one network; ``wanted`` are their orders, ``look`` tells what devices hold.

    What an earlier test has taken back is ordered anew, as if years had passed. Where all sites
    come in, Brisbane 1 is ordered last, so that the network without it is known at no cost. A test
    that asks for ``others`` and ``full`` asks in this order.
    """

    def __init__(
        self, noc: Noc, wanted: Mapping[str, Callable[[], Any]], look: Callable[[], Running]
    ) -> None:
        self._noc = noc
        self._wanted = wanted
        self._look = look
        self.before = look()
        self._others: Running = {}

    def serves(self, *sites: str) -> None:
        """Bring it about that these sites are in service."""
        missing = [site for site in sites if not self._served(site)]
        if not missing:
            return
        if set(missing) & set(OTHERS):
            self._others = {}  # the same may stand there in another order from now on
        for site in missing:
            self.takes_back(site)
        self._years_pass(missing)
        orders = {site: self._posted(site) for site in missing}
        for number in orders.values():
            self._noc.gateway.completes(number)
        self._noc.orders |= orders

    def others(self) -> Running:
        """What every device holds with all sites but Brisbane 1 in service."""
        if not self._others or not all(map(self._served, OTHERS)):
            self.takes_back(FIRST)
            self.serves(*OTHERS)
            self._others = self._look()
            self._noc.orders.pop(FIRST, None)  # to be seen going, it has to come after this look
        return self._others

    def full(self) -> Running:
        """What every device holds with all four sites in service."""
        if not self._served(FIRST):
            self.others()
        self.serves(*OTHERS, FIRST)
        return self._look()

    def takes_back(self, site: str) -> None:
        """Bring it about that nothing of a site is anywhere."""
        if self._noc.held(site):
            task = self._noc.rolled_back(site)
            assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED"), task

    def _posted(self, site: str) -> str:
        # A key of its own: the same wish once more is a new order, no repetition of the first.
        headers = {"Idempotency-Key": str(uuid4())}
        taken = self._noc.http.post(ORDERS, json=self._wanted[site](), headers=headers)
        assert taken.status_code == 201, taken.text
        return str(taken.json()["id"])

    def _served(self, site: str) -> bool:
        return "vlan" in self._noc.held(site)  # what a device could not let go is less

    def _years_pass(self, sites: list[str]) -> None:
        """Let what these sites had be as new: nothing rests, and their routers are wiped."""
        with self._noc.gateway.engine.begin() as connection:
            sweep_quarantine(connection, datetime.now(UTC) + timedelta(days=3650))
        for row in self._noc.gateway.rows(
            "SELECT DISTINCT device FROM snapshot WHERE role = 'ce' AND site = ANY(:s)", s=sites
        ):
            self._noc.lab.do(f"/ce/{row.device}/factory-reset")
            self._noc.lab.do(f"/ce/{row.device}/boot")  # it asks until it is told
