"""While a confirmed commit waits, nobody else writes: what they did would go with a revert."""

from contextlib import ExitStack

import pytest

from adapters.errors import LockDenied
from adapters.seam import ApplyMode, SiteEdits
from device_profiles.fragment import merged
from device_profiles.tree import difference
from tests.laws.devices import Network
from tests.laws.sites import OLT, Wish, fragments


def edits(index: int) -> SiteEdits:
    wanted = merged(fragments(OLT, index, Wish(500)))
    tree = dict(wanted.own)
    for item in wanted.shared:
        tree |= item.tree
    return SiteEdits(f"S{index}", difference({}, tree))


def test_the_candidate_is_locked_until_the_window_is_closed_and_running_is_not() -> None:
    with ExitStack() as stack:
        network = Network()
        stack.callback(network.close)
        ours = stack.enter_context(network.open(OLT, "S0"))
        theirs = stack.enter_context(network.open(OLT, "S1"))
        locks = network.devices[OLT].stores._locks
        assert ours.apply([edits(0)], ApplyMode("txn-1", confirm_within=60)).confirming
        assert set(locks) == {"candidate"}
        with pytest.raises(LockDenied):
            theirs.apply([edits(1)], ApplyMode("txn-2"))
        ours.confirm("txn-1")
        assert set(locks) == set()
        theirs.apply([edits(1)], ApplyMode("txn-2"))
        assert set(locks) == set()


def test_without_a_window_nothing_stays_locked() -> None:
    with ExitStack() as stack:
        network = Network(confirmed_commit=False)
        stack.callback(network.close)
        session = stack.enter_context(network.open(OLT, "S0"))
        assert not session.apply([edits(0)], ApplyMode("txn-1", confirm_within=60)).confirming
        assert set(network.devices[OLT].stores._locks) == set()
