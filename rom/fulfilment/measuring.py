"""Measuring: real packets to the router decide whether a service is what was promised."""

import math
from typing import Any

import structlog

from adapters.errors import AdapterError
from adapters.twamp.judgement import Judgement, Verdict
from adapters.twamp.measurement import Measurement
from adapters.twamp.sender import measure
from rom.catalog.site_view import SiteView
from rom.devices.directory import twamp_address
from rom.fulfilment.outcomes import MAXIMUM_ATTEMPTS, Outcomes
from rom.model.order import Item
from rom.model.reason import Reason
from rom.proof.certificate import combined, evidence, judged
from rom.store.database import Engine

log = structlog.get_logger(__name__)

MAXIMUM_EXTENSIONS = 3
MAXIMUM_FAILURES = 2
"""Whole tests that may fail before the item is held; more tries would only draw luck."""
_EXTENSION = 2 / 3
"""An extension's share of the first test: 1 of 50,000 proves what 0 of 30,000 does."""


class Measurer:
    """Measures one item's service; blocks for as long as the test lasts."""

    def __init__(self, engine: Engine, outcomes: Outcomes, packets: int, interval: float) -> None:
        self._engine = engine
        self._outcomes = outcomes
        self._packets = packets
        self._interval = interval

    def measure(self, view: SiteView, item: Item) -> None:
        """Measure, extend the test where a loss leaves it open, and write the outcome."""
        try:
            with self._engine.connect() as connection:
                target = twamp_address(connection, view.allocations)
        except AdapterError as error:
            self._outcomes.hold(item, error.reason, str(error))
            return
        limits = view.typed(item)
        try:
            found = measure(target, packets=self._packets, interval=self._interval)
            said = judged(found, limits)
            for _ in range(MAXIMUM_EXTENSIONS):
                if said.verdict is not Verdict.EXTEND:
                    break
                more = math.ceil(self._packets * _EXTENSION)
                text = f"{'; '.join(said.reasons)}; {more} more packets follow"
                item = self._outcomes.extend(item, said.code, text)
                found = combined(found, measure(target, packets=more, interval=self._interval))
                said = judged(found, limits)
        except AdapterError as error:
            self._outcomes.again(item, Reason.TWAMP_UNREACHABLE, str(error))
            return
        self._conclude(view, item, found, said, limits)

    def _conclude(
        self,
        view: SiteView,
        item: Item,
        found: Measurement,
        said: Judgement,
        limits: dict[str, Any],
    ) -> None:
        passed = said.verdict is Verdict.PASS
        log.info(
            "service.measured",
            order_id=item.order_id,
            item_id=item.item_id,
            site=view.site,
            sent=found.sent,
            lost=found.lost,
            verdict=said.verdict.value,
        )
        certificate = evidence(view, found, said, limits)
        self._outcomes.measured(view, item, said.verdict.value, certificate, passed=passed)
        if passed:
            return
        silent = said.code == Reason.TWAMP_UNREACHABLE
        self._outcomes.again(
            item,
            said.code,
            "; ".join(said.reasons),
            limit=MAXIMUM_ATTEMPTS if silent else MAXIMUM_FAILURES,
            settled=not silent,
        )
