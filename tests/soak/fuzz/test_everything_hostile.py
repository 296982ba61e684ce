"""Whatever anybody sends, it is answered by a decision and never by a fault of ours.

``ROM_SOAK_FUZZ_SECONDS`` bounds the run, ``ROM_SOAK_SEED`` chooses another story. The figures are
printed in the end.
"""

import os
from random import Random
from time import monotonic

import pytest

from tests.faults.network import network
from tests.soak.fuzz.clients import Client, Figures
from tests.soak.fuzz.sites import Sites

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

SECONDS = float(os.environ.get("ROM_SOAK_FUZZ_SECONDS", "600"))
SEED = int(os.environ.get("ROM_SOAK_SEED", "1"))
LINKS = ("10.88.15.0/24",)
LISTENERS = {"ROM_CALLBACK_ALLOW": "127.0.0.0/8", "ROM_CALLBACK_HTTP": "true"}


def test_nothing_that_is_sent_is_a_fault_of_ours_or_a_command_of_a_device() -> None:
    random = Random(SEED)
    figures = Figures()
    with network(brisbane_links=LINKS, **LISTENERS) as gateway:
        client = Client(gateway, figures, random)
        sites = Sites(client)
        parts = [*client.parts().values()] * 3 + [sites.characteristic] * 12
        parts += [sites.body] * 6 + [sites.name]
        began = monotonic()
        try:
            while monotonic() < began + SECONDS:
                random.choice(parts)()
                assert gateway.child is not None
                assert gateway.child.exit_code is None, gateway.child.last_words()
        finally:
            print(  # noqa: T201 - the figures are what a soak is for
                f"\n{sum(figures.statuses.values())} requests in {monotonic() - began:.0f} s, "
                f"seed {SEED}; {sites.made} sites, {sites.accepted} orders taken, "
                f"{sites.read_back} devices read back\n{figures.shown()}"
            )
        sites.look()
        ready = gateway.http.get("/readyz")
        log = gateway.log()
        internal = gateway.rows("SELECT * FROM order_item WHERE reason = 'INTERNAL'")
    assert figures.faults == [], "\n".join(figures.faults)
    assert ready.status_code == 200, ready.text
    wrong = [entry for entry in log if entry.get("event") in ("internal.failure", "request failed")]
    assert wrong == []
    assert internal == []
    assert sites.accepted > 0
