"""Snapshots of a site compared with each other, and with what its devices hold now."""

from typing import Any

import pytest

from device_profiles.tree import path_text
from rom.model.errors import UnknownSite, UnknownTarget
from tests.integration.undo.network import LEAF, Network
from tests.laws.sites import BNG, DEVICES, OLT, Wish, fragments, key

pytestmark = pytest.mark.timeout(240)
SITE, NEIGHBOUR = 0, 1


def compared(network: Network, first: int | None = None, second: int | None = None) -> Any:
    found = network.comparison.of_site(key(SITE), first, second).on_the_wire()
    return found, {each["device"]: each["differences"] for each in found["devices"]}


def kinds(rows: Any) -> set[str]:
    return {row["kind"] for row in rows}


def on_all(found: dict[str, Any], kind: str) -> bool:
    """Tell whether every device differs, and by this kind of difference only."""
    return set(found) == set(DEVICES) and all(kinds(rows) == {kind} for rows in found.values())


def test_two_snapshots_differ_in_what_came_changed_and_went(network: Network) -> None:
    network.bring(SITE, Wish(500))
    slow = network.snapshot(SITE)
    network.bring(SITE, Wish(800))
    fast = network.snapshot(SITE)

    found, rows = compared(network, 0, slow)
    assert (found["site"], found["a"], found["b"]) == (key(SITE), 0, slow)
    assert on_all(rows, "added")
    _, back = compared(network, slow, 0)
    assert on_all(back, "removed")
    _, rates = compared(network, slow, fast)
    assert kinds(rates[OLT]) == kinds(rates[BNG]) == {"changed"}
    (profile,) = rates[OLT]
    assert profile["path"].endswith("/traffic-descriptor-profile-ref")
    assert (profile["a"], profile["b"]) == ("TDP-BW-500-GOLD", "TDP-BW-800-GOLD")
    _, none = compared(network, fast, fast)
    assert none == {device: [] for device in DEVICES}


def test_secrets_are_told_as_such(network: Network) -> None:
    network.bring(SITE, Wish(500))
    _, rows = compared(network, 0, network.snapshot(SITE))
    (secret,) = [row for row in rows[BNG] if row["path"].endswith("/authentication-key")]
    assert (secret["a"], secret["b"]) == (None, "<secret>")


def test_the_latest_snapshot_is_what_the_devices_hold_until_somebody_types(
    network: Network,
) -> None:
    network.bring(SITE, Wish(500))
    network.bring(NEIGHBOUR, Wish(800))
    latest = network.snapshot(SITE)
    found, rows = compared(network)
    assert (found["a"], found["b"]) == (latest, "live")
    assert rows == {device: [] for device in DEVICES}

    own = fragments(BNG, SITE, Wish(500))["ROI-0"].own
    theirs = fragments(BNG, NEIGHBOUR, Wish(800))["ROI-0"].own
    mine, other = (
        next(path for path in each if path[-1] == "description" and "interface[" in path[-2])
        for each in (own, theirs)
    )
    network.by_hand(BNG, {mine: "typed by hand", other: "typed there as well"})
    network.by_hand(OLT, {LEAF: "nobody's"})
    _, rows = compared(network)
    assert rows[OLT] == []
    assert rows[BNG] == [
        {"kind": "changed", "path": path_text(mine), "a": own[mine], "b": "typed by hand"}
    ]


def test_a_device_that_does_not_answer_is_told_and_the_others_are_compared(
    network: Network,
) -> None:
    network.bring(SITE, Wish(500))
    network.stop(BNG)
    found, rows = compared(network, 0)
    errors = {each["device"]: each.get("error") for each in found["devices"]}
    assert errors[OLT] is None
    assert errors[BNG]
    assert kinds(rows[OLT]) == {"added"}
    assert rows[BNG] == []


def test_a_site_that_nobody_knows_and_a_snapshot_of_another_site_are_refused(
    network: Network,
) -> None:
    network.bring(SITE, Wish(500))
    network.bring(NEIGHBOUR, Wish(500))
    with pytest.raises(UnknownSite):
        network.comparison.of_site("ENT-NOWHERE", None, None)
    for numbers in ((network.snapshot(NEIGHBOUR), None), (0, 10**9)):
        with pytest.raises(UnknownTarget, match="has no snapshot"):
            network.comparison.of_site(key(SITE), *numbers)
    # A site that is known but has nothing anywhere differs in nothing.
    assert network.comparison.of_site(key(2), None, None).devices == ()
