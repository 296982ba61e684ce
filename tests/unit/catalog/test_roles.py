"""Roles are data: how a device is found, what it needs, and when it has its turn."""

from pathlib import Path

import pytest
import yaml

from rom.catalog.errors import SpecificationFileError
from rom.catalog.roles import FILE, Roles, load_roles


def changed(tmp_path: Path, role: str, /, **members: object) -> Roles:
    """Load the shipped roles with these members of one of them laid over; ``None`` removes one."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    (entry,) = [entry for entry in content["roles"] if entry["role"] == role]
    entry |= members
    for name in [name for name, value in entry.items() if value is None]:
        del entry[name]
    file = tmp_path / "roles.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_roles(file)


def test_the_way_back_begins_at_the_customer_and_ends_at_the_line() -> None:
    roles = load_roles()
    order = sorted(roles.by_name, key=roles.position)
    assert order == list(roles.by_name)
    assert order.index("access") < order.index("bng") < order.index("ce")
    assert roles.position("firewall") == len(order)


def test_a_partner_needs_what_names_the_device_that_it_serves() -> None:
    roles = load_roles()
    assert roles.needs("bng") == roles.needs("radius") == {"bearer"}
    assert roles.needs("ce") == {"ce", "loopback"}


def test_a_unit_is_told_from_its_agent_by_its_name() -> None:
    roles = load_roles()
    assert roles.of_unit("FDO2340567").role == "ce"
    assert roles.of_unit("FDO2340567/agent").role == "agent"


def test_another_role_is_an_entry(tmp_path: Path) -> None:
    roles = changed(tmp_path, "radius", role="firewall")
    assert roles.position("firewall") == load_roles().position("radius")
    assert roles.needs("firewall") == {"bearer"}


@pytest.mark.parametrize(
    ("role", "members", "words"),
    [
        ("bng", {"named_by": None}, "give one of named_by, partner_of and unit"),
        ("bng", {"unit": "ce"}, "give one of"),
        ("bng", {"named_by": "bearer"}, "named_by"),
        ("bng", {"suffix": "/x"}, "suffix with nothing else"),
        ("bng", {"colour": "red"}, "colour"),
        ("radius", {"partner_of": "toaster"}, "radius: no other role toaster"),
        ("radius", {"partner_of": "dhcp4"}, "dhcp4 is no role with named_by"),
        ("radius", {"role": "bng"}, "a role is there twice"),
        ("ce", {"proven_at": "ce"}, "ce: no other role ce"),
        ("ce", {"login": None}, "address and login go with unit"),
        ("ce", {"reflects": None}, "exactly one role reflects"),
        ("bng", {"reflects": {"protocol": "twamp", "port": 1}}, "only a unit reflects"),
    ],
)
def test_a_wrong_role_is_refused(
    tmp_path: Path, role: str, members: dict[str, object], words: str
) -> None:
    with pytest.raises(SpecificationFileError, match=r"roles\.yaml: ") as refused:
        changed(tmp_path, role, **members)
    assert words in str(refused.value)
