"""A site on which the comparison fails does not hide the others."""

from typing import Any

import pytest

from device_profiles.fragment import Fragment
from device_profiles.tree import PRESENT
from rom.drift import audit
from rom.drift import differences as drift
from rom.model.effect import SiteState
from rom.model.verdict import DriftResult


def test_a_site_on_which_we_fail_says_so_and_the_next_is_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = drift.find

    def broken(site: str, *rest: Any) -> Any:
        if site == "A":
            raise KeyError("geheim")
        return real(site, *rest)

    monkeypatch.setattr(drift, "find", broken)
    entry = ("sites", "site[name='x']")
    wanted = Fragment({entry: PRESENT})
    rows = [
        audit._checked("OLT", audit._Part(site, "access", wanted, SiteState({})), {entry: PRESENT})
        for site in ("A", "B")
    ]
    assert [row.result for row in rows] == [DriftResult.UNREACHABLE, DriftResult.CLEAN]
    assert (rows[0].error or "").startswith("INTERNAL: fault ")
    assert "geheim" not in (rows[0].error or "")
