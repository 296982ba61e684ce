"""For the runs that look for a planted mistake: quick tests first, and no smallest example."""

import gc
import json
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from device_profiles import cli_grammar

settings.register_profile(
    "mutants",
    deadline=None,
    max_examples=30,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
UNKNOWN_SECONDS = 1.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    settings.load_profile("mutants")
    known = _durations()
    items.sort(key=lambda item: known.get(item.nodeid, UNKNOWN_SECONDS))


def pytest_runtest_setup() -> None:
    # Compiled once, it would be noted as what the first test of them all covers, and no other.
    cli_grammar._compiled.cache_clear()


def pytest_collection_finish() -> None:
    # What was imported stays: a process for one mistake need not look through it at its end.
    gc.freeze()


@lru_cache
def _durations() -> dict[str, float]:
    """Return how long the tests took, as mutmut has noted it in the folder it works in."""
    noted = Path("mutmut-stats.json")
    if not noted.is_file():
        return {}
    found: dict[str, float] = json.loads(noted.read_text())["duration_by_test"]
    return found
