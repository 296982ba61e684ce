"""Machines without a network side."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mock_devices.cli.grammar import load_grammar
from mock_devices.cli.machine import Machine

MakeMachine = Callable[[str], Machine]


@pytest.fixture
def machine(tmp_path: Path) -> MakeMachine:
    def make(platform: str) -> Machine:
        grammar = load_grammar(platform)
        made = Machine("device", grammar, tmp_path / platform, serial="FDO2340567")
        assert made.load(f"{grammar.factory}\n{grammar.example_baseline}") == []
        return made

    return make
