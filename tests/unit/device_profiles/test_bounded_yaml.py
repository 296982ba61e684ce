"""YAML is read within bounds, whoever reads it."""

import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from api.som.plan import PlanError, load_plan
from device_profiles.bounded_yaml import read_document, read_yaml
from device_profiles.errors import ProfileError
from device_profiles.profile import load_yaml
from inventory.load import parsed_file
from inventory.problems import InventoryFileError
from mock_devices.lab.topology import TopologyError, load_topology
from rom.catalog.errors import SpecificationFileError
from rom.catalog.loader import load_catalog
from rom.catalog.roles import load_roles

LETTERS = "abcdefghij"
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{here}: &{here} [{','.join(9 * [f'*{before}'])}]\n" for before, here in pairwise(LETTERS)
)
MERGES = "a: &a {k: 1}\n" + "".join(
    f"{here}: &{here} {{<<: [{','.join(9 * [f'*{before}'])}]}}\n"
    for before, here in pairwise(LETTERS)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LAUGHS, "more than 1000000 values"),
        (MERGES, "more than 1000000 values"),
        ("[" * 5000, "nested deeper than 40"),
        (f"a: &a {'[' * 30}{']' * 30}\nb: {'[' * 20}*a{']' * 20}", "nested deeper than 40"),
        ("a: &a [*a]", "stands in what it stands for"),
        ("a: 1\nb: 2\na: 3", "'a' stands here twice"),
        (f"a: {'9' * 5000}", "cannot be read"),
    ],
)
def test_a_text_beyond_the_bounds_is_refused_before_memory_is_taken(text: str, why: str) -> None:
    tracemalloc.start()
    with pytest.raises(yaml.YAMLError, match=why):
        read_yaml(text)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5_000_000


def test_aliases_merges_and_dates_are_read_as_they_are_meant() -> None:
    text = "a: &a {k: 1}\nb: {<<: *a, k: 2}\nc: [*a, *a]\nd: 2026-11-30\n"
    assert read_yaml(text) == {
        "a": {"k": 1}, "b": {"k": 2}, "c": [{"k": 1}, {"k": 1}], "d": "2026-11-30",
    }  # fmt: skip


def test_a_document_knows_the_lines_of_what_it_says() -> None:
    document = read_document("sites:\n  - key: A\n    name: X\n  - {key: B,\n     name: Y}\n")
    assert document.line(("sites", 0, "name")) == 3
    assert document.line(("sites", 1, "name")) == 5
    assert document.line(("sites", 1, "nothing")) == 4
    assert document.line(()) == 1


@pytest.mark.parametrize(
    ("reads", "error"),
    [
        (parsed_file, InventoryFileError),
        (lambda file: load_catalog(file.parent), SpecificationFileError),
        (load_roles, SpecificationFileError),
        (load_topology, TopologyError),
        (load_plan, PlanError),
        (load_yaml, ProfileError),
    ],
    ids=["inventory", "catalog", "roles", "topology", "rollout", "profile"],
)
def test_every_file_that_an_operator_writes_is_read_so(
    tmp_path: Path, reads: Callable[[Path], object], error: type[Exception]
) -> None:
    file = tmp_path / "laughs.yaml"
    file.write_text(LAUGHS)
    with pytest.raises(error, match="more than 1000000 values"):
        reads(file)
