"""The engine's counts as a collector of prometheus_client."""

from collections.abc import Callable, Iterator, Mapping

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rom.metrics.families import FAMILIES, Counts
from rom.store.database import DatabaseError

log = structlog.get_logger(__name__)


class EngineStatistics(Collector):
    """Yields the engine's counts; a database that does not answer leaves them out of the scrape."""

    def __init__(self, counted: Callable[[], Mapping[str, Counts]]) -> None:
        self._counted = counted

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without asking the database."""
        for family in FAMILIES:
            yield GaugeMetricFamily(family.name, family.text, labels=family.labels)

    def collect(self) -> Iterator[Metric]:
        """Yield one gauge a family."""
        try:
            counted = self._counted()
        except DatabaseError as error:
            log.warning("statistics.missing", error=type(error).__name__)
            return
        for family in FAMILIES:
            gauge = GaugeMetricFamily(family.name, family.text, labels=family.labels)
            for labels, number in counted.get(family.name, {}).items():
                gauge.add_metric(labels, number)
            yield gauge
