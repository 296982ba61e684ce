"""What is peculiar to a kind of resource is data; a new kind is an entry."""

import json
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from inventory import kinds
from inventory.expansion import expand
from inventory.file_model import PoolEntry
from inventory.kinds import Kind, load_kinds, prefix_attributes
from inventory.problems import ExpansionError

TUNNEL = {
    "kind": "tunnel-prefix",
    "title": "Ends of a tunnel",
    "holds": "prefix",
    "longest": 31,
    "quarantine": "2h",
    "gives": {"near": "host 0", "far": "host 1", "mask": "netmask"},
}


@pytest.fixture
def tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Kind.model_validate(TUNNEL)
    monkeypatch.setattr(kinds, "KINDS", {**kinds.KINDS, entry.kind: entry})


@pytest.mark.usefixtures("tunnel")
def test_a_new_kind_of_prefix_is_an_entry() -> None:
    entry = PoolEntry(name="T", kind="tunnel-prefix", prefix=("10.0.0.0/30",), split=31)
    (pool,) = expand(entry)
    assert pool.quarantine_seconds == timedelta(hours=2).total_seconds()
    assert [dict(row.attributes) for row in pool.resources] == [
        {"value": f"10.0.0.{n}/31", "near": f"10.0.0.{n}", "far": f"10.0.0.{n + 1}",
         "mask": "255.255.255.254"}
        for n in (0, 2)
    ]  # fmt: skip
    with pytest.raises(ExpansionError, match="use /31 or shorter"):
        list(expand(PoolEntry(name="T", kind="tunnel-prefix", prefix=("10.0.0.0/32",))))


@pytest.mark.usefixtures("tunnel")
def test_a_prefix_of_ipv6_has_no_netmask() -> None:
    assert set(prefix_attributes("tunnel-prefix", ip_network("2001:db8::/127"))) == {
        "value", "near", "far",
    }  # fmt: skip


def test_an_unknown_kind_is_texts_unique_in_their_pool() -> None:
    (pool,) = expand(PoolEntry(name="Licences", kind="licence", values=("A", "B")))
    assert {row.scope for row in pool.resources} == {"licence in Licences"}
    assert (pool.shared, pool.quarantine_seconds) == (False, 0)


@pytest.mark.parametrize(
    "members",
    [
        {"holds": "number"},
        {"range": [1, 2]},
        {"gives": {"gateway": "host 1"}},
        {"holds": "prefix", "gives": {"gateway": "third"}},
        {"quarantine": "soon"},
        {"colour": "red"},
    ],
)
def test_a_wrong_kind_is_refused(tmp_path: Path, members: dict[str, object]) -> None:
    file = tmp_path / "kinds.yaml"
    file.write_text(json.dumps({"kinds": [{"kind": "x", "title": "X", **members}]}))
    with pytest.raises(ValidationError):
        load_kinds(file)
