"""An exported file loads to the same, whatever was loaded before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.export import export_content
from inventory.load import load_content, load_file
from inventory.model import BundleRequest
from inventory.reservation import reserve
from inventory.tables import metadata
from inventory.writing import LoadReport
from tests.stocks import GROUND, LINE, completed

Content = dict[str, Any]


def empty(connection: sa.Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        connection.execute(sa.delete(table))


def is_the_same_again(connection: sa.Connection) -> Content:
    """Hold the law: over itself nothing changes, into nothing it gives the same file."""
    exported = export_content(connection)
    text = yaml.safe_dump(exported, sort_keys=False)
    assert load_content(connection, yaml.safe_load(text), "itself") == LoadReport()
    empty(connection)
    load_content(connection, yaml.safe_load(text), "anew")
    assert export_content(connection) == exported
    return exported


def test_the_shipped_example_comes_out_as_it_went_in(
    connection: sa.Connection, example: Path, product_bundle: Callable[..., BundleRequest]
) -> None:
    load_file(connection, example)
    before = export_content(connection)
    # What a site holds is no part of the file.
    reserve(connection, product_bundle("ENT-1102-MELB", "SOUTH-ENT", area="SOUTH-03"))
    assert export_content(connection) == before
    exported = is_the_same_again(connection)
    written = yaml.safe_load(example.read_text(encoding="utf-8"))
    assert exported["network"] == written["network"]
    assert len(exported["sites"]) == len(written["sites"])


def test_an_endpoint_is_exported_with_the_name_of_its_secret(connection: sa.Connection) -> None:
    endpoint = {"host": "192.0.2.7", "port": 830, "username": "u", "secret_name": "device/OLT"}
    device = {**GROUND["devices"][0], "endpoint": endpoint}
    load_content(connection, {"devices": [device]}, "body")
    assert is_the_same_again(connection)["devices"] == [device]


texts = st.text("abcXYZ019 ./-", min_size=1, max_size=8).filter(lambda text: text.strip() == text)
numbers = st.sets(st.integers(1, 60), min_size=1, max_size=12)
attributes = st.dictionaries(
    st.sampled_from(("a", "b", "c")),
    st.one_of(texts, st.integers(0, 9), st.booleans(), st.lists(st.integers(0, 9), max_size=2)),
    max_size=3,
)


@st.composite
def pools(draw: st.DrawFn, name: str) -> Content:
    kind = draw(st.sampled_from(("vlan", "own", "ipv4-prefix", "rate", "name", "pon-port")))
    pool: Content = {"name": name, "kind": kind}
    pool |= draw(st.fixed_dictionaries({}, optional={
        "shared": st.booleans(), "quarantine": st.sampled_from(("0s", "90s", "2h", "24h", "3d")),
        "watermark": st.integers(0, 9), "item_attributes": attributes,
    }))  # fmt: skip
    if kind == "rate":
        used = draw(st.integers(1, 50))
        marks = [{"amount": used, "by": "x"}]
        return pool | {"mode": "quantity", "capacity": 50, "used": marks, "attributes": {"n": name}}
    if kind == "name":
        return pool | {"mode": "pattern", "pattern": name + "{site}"}
    if kind == "pon-port":
        items = [{"value": f"{name} {n}", "attributes": draw(attributes)} for n in (1, 2)]
        return pool | {"items": items, "item_attributes": LINE | pool.get("item_attributes", {})}
    if kind == "ipv4-prefix":
        blocks = sorted(draw(st.sets(st.integers(0, 15), min_size=1, max_size=4)))
        prefix = [f"10.{name[-1]}.{block}.0/24" for block in blocks]
        pool |= {"prefix": prefix, "split": draw(st.sampled_from((24, 26, 29, 31)))}
        return pool | {"used": [{"value": prefix[0], "by": "y"}]}
    values = draw(numbers)
    pool |= {"values": sorted(values) if draw(st.booleans()) else f"{min(values)}-{max(values)}"}
    if kind == "vlan":
        pool |= {"scope": name, "attributes": {"l2_domain": "D"}}
        return pool | {"earmarks": [{"value": min(values), "site": "S"}]}
    loose = [{"value": f"{text}!", "attributes": draw(attributes)} for text in draw(st.sets(texts))]
    loose += [{"value": "900-910"}] if draw(st.booleans()) else []
    return pool | {"items": loose, "retired": [{"value": max(values), "by": "z"}]}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), st.integers(1, 4))
def test_whatever_was_loaded_comes_out_to_load_to_the_same(
    engine: sa.Engine, data: st.DataObject, count: int
) -> None:
    content = {
        "customers": [{"id": "C", "name": "C", "number": 1, "vpn": "V", "autonomous_system": 1}],
        "sites": [{"key": "S", "name": "S", "customer": "C", "timezone": "UTC"}],
        "pools": [data.draw(pools(f"P{n}")) for n in range(count)],
    }
    with engine.connect() as connection:
        load_content(connection, GROUND, "ground")
        load_content(connection, completed(content), "file")
        is_the_same_again(connection)
        connection.rollback()


@pytest.mark.parametrize("section", ["customers", "sites", "devices", "pools", "network"])
def test_nothing_is_exported_of_what_is_not_there(connection: sa.Connection, section: str) -> None:
    assert section not in export_content(connection)
