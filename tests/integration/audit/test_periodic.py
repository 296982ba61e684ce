"""The periodic audit keeps what has changed, and nothing else."""

from collections.abc import Iterator
from typing import cast

import pytest
import sqlalchemy as sa

from rom.answers.devices import CheckedDevice, CheckedSite, DriftReport
from rom.drift.audit import Audit
from rom.drift.periodic import PeriodicAudit
from rom.model.verdict import DriftResult
from rom.store.database import make_engine


class Reported:
    """An audit whose findings are given."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], str] = {}

    def check(self) -> DriftReport:
        sites = tuple(
            CheckedSite(
                site=site,
                devices=(CheckedDevice(device=device, result=DriftResult(result), differences=()),),
            )
            for (site, device), result in self.found.items()
        )
        return DriftReport(clean=False, devices=len(sites), sites=sites)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = make_engine(database_url)
    yield made
    made.dispose()


def kept(engine: sa.Engine, site: str) -> list[str]:
    with engine.connect() as connection:
        rows = connection.scalars(
            sa.text("SELECT result FROM verdict WHERE site = :s AND kind = 'drift' ORDER BY id"),
            {"s": site},
        )
        return list(rows)


def test_drift_is_written_when_it_appears_and_when_it_vanishes(engine: sa.Engine) -> None:
    audit = Reported()
    periodic = PeriodicAudit(engine, cast(Audit, audit), 60)
    for result in ("clean", "clean", "drift", "drift", "under way", "drift", "clean"):
        audit.found = {("A", "OLT-1"): result, ("B", "OLT-1"): "clean"}
        periodic.audit_once()
    assert kept(engine, "A") == ["clean", "drift", "clean"]
    assert kept(engine, "B") == ["clean"]


def test_a_site_that_left_with_its_drift_does_not_drift_for_ever(engine: sa.Engine) -> None:
    audit = Reported()
    periodic = PeriodicAudit(engine, cast(Audit, audit), 60)
    for found in ({("A", "OLT-1"): "drift"}, {}, {}, {("A", "OLT-1"): "clean"}):
        audit.found = found
        periodic.audit_once()
    assert kept(engine, "A") == ["drift", "gone", "clean"]
