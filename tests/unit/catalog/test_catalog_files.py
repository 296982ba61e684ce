from collections.abc import Callable
from pathlib import Path

import pytest

from rom.catalog.errors import SpecificationFileError, UnknownSpecification
from rom.catalog.loader import Catalog, load_catalog

Write = Callable[..., Path]


def test_the_shipped_specifications_are_those_of_the_service(catalog: Catalog) -> None:
    assert {(spec.id, spec.key) for spec in catalog.specifications()} >= {
        ("RFS:GPON-Bearer", "bearer"),
        ("RFS:P2P-Ethernet-Bearer", "bearer"),
        ("RFS:VLAN-Service", "vlan"),
        ("RFS:IP-Profile", "ip"),
        ("RFS:QoS-Policy", "qos"),
        ("RFS:SLA-Monitoring", "sla"),
        ("RFS:CE-Router", "ce"),
    }


def test_an_unknown_specification_is_named_together_with_the_known(catalog: Catalog) -> None:
    with pytest.raises(UnknownSpecification, match=r"RFS:Fax; known: .*RFS:CE-Router, "):
        catalog.specification("RFS:Fax")
    with pytest.raises(UnknownSpecification, match=r"version 7; known: 1\.0"):
        catalog.specification("RFS:CE-Router", "7")


def test_a_new_product_is_a_new_file(write: Write) -> None:
    folder = write(
        characteristics=[{"name": "seats", "type": "integer", "required": True}],
        reserve=[{"name": "firewall", "kind": "vm", "match": {"area": "@bearer.area"}}],
        preconditions=[{"before": "configure", "needs": ["ip"]}],
    )
    spec = load_catalog(folder).specification("RFS:Managed-Firewall")
    assert spec.characteristics[0].name == "seats"


def test_versions_are_kept_and_the_highest_active_one_is_the_default(write: Write) -> None:
    write("a.yaml", version="1.9")
    write("b.yaml", version="1.10")
    folder = write("c.yaml", version="2.0", lifecycleStatus="In design")
    catalog = load_catalog(folder)
    assert catalog.specification("RFS:Managed-Firewall").version == "1.10"
    assert catalog.specification("RFS:Managed-Firewall", "1.9").version == "1.9"
    assert catalog.specification("RFS:Managed-Firewall", "2.0").orderable is False


def test_the_same_version_twice_is_refused(write: Write) -> None:
    write("a.yaml")
    folder = write("b.yaml")
    with pytest.raises(
        SpecificationFileError, match=r"b\.yaml: version: .* 1\.0 is already in .*a\.yaml"
    ):
        load_catalog(folder)


_SPEED = {"name": "speed", "type": "bandwidth"}


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"id": "Firewall"}, "id"),
        ({"version": 1.10}, "version"),
        ({"characteristics": [{"name": "a", "type": "color"}]}, "characteristics[0].type"),
        ({"characteristics": [{"name": "a b", "type": "string"}]}, "characteristics[0].name"),
        ({"characteristics": [{"name": "a", "type": "string", "pattern": "("}]},
         "characteristics[0].pattern"),
        ({"characteristics": [{"name": "a", "type": "enum"}]}, "characteristics[0]"),
        ({"characteristics": [{"name": "a", "type": "string", "minimum": 1}]},
         "characteristics[0]"),
        ({"characteristics": [_SPEED | {"maximum": "fast"}]}, "characteristics[0].maximum"),
        ({"characteristics": [_SPEED | {"default": "2G", "maximum": "1G"}]},
         "characteristics[0].default"),
        ({"characteristics": [_SPEED, _SPEED]}, "characteristics"),
        ({"derive": [{"name": "x", "expression": "speed +"}]}, "derive[0].expression"),
        ({"derive": [{"name": "x", "expression": "unknown_name"}]}, "derive[0].expression"),
        ({"characteristics": [_SPEED], "derive": [{"name": "speed", "expression": "'a'"}]},
         "derive"),
        ({"reserve": [{"name": "fw", "kind": "vm", "match": {"area": "area"}}]},
         "reserve[0].match.area"),
        ({"reserve": [{"name": "fw", "kind": "vm", "match": {"area": "@nothing.area"}}]},
         "reserve[0].match.area"),
        ({"reserve": [{"name": "fw", "kind": "vm", "amount": "cores"}]}, "reserve[0].amount"),
        ({"reserve": [{"name": "fw", "kind": "vm", "when": "cores > 1"}]}, "reserve[0].when"),
        ({"reserve": [{"name": "vlan", "kind": "vlan"}]}, "name"),
        ({"configure": [{"role": "toaster", "fragment": "x"}]}, "configure[0].role"),
        ({"configure": [{"role": "ce", "fragment": "x", "step": "stage"}]}, "configure[0].step"),
        ({"preconditions": [{"before": "measure", "needs": ["ce"]}]}, "preconditions[0].before"),
        ({"preconditions": [{"before": "configure", "needs": ["moon"]}]}, "preconditions[0].needs"),
        ({"resource_type": {"category": "Logical", "label": "x", "shows": "vlan"}},
         "resource_type.shows"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_file_and_field(
    write: Write, members: dict[str, object], field: str
) -> None:
    with pytest.raises(SpecificationFileError) as refused:
        load_catalog(write(**members))
    assert field in refused.value.field
    assert refused.value.problem
    # A clash of bundle names is reported against whichever file holds the other owner.
    assert refused.value.file.endswith(".yaml")


@pytest.mark.parametrize("content", ["a: [", "- just\n- a list", "\x00", "!!python/name:os.system"])
def test_a_file_that_is_no_specification_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(SpecificationFileError, match=r"broken\.yaml"):
        load_catalog(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecificationFileError, match="is no folder"):
        load_catalog(tmp_path / "nowhere")
