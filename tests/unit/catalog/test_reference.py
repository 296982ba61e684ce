"""The reference of inventory files says what the models read, all of it."""

from pathlib import Path

import yaml
from pydantic import BaseModel

import inventory
from inventory import file_model
from inventory.kinds import KINDS
from rom.catalog.reference import inventory_reference
from rom.catalog.roles import load_roles

PAGE = Path(__file__).parents[3] / "docs" / "inventory-format.md"
EXAMPLE = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"


def test_the_page_is_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == inventory_reference(), (
        "run: rom inventory format > docs/inventory-format.md"
    )


def test_every_field_of_every_entry_is_on_the_page() -> None:
    page = inventory_reference()
    entries = [
        value
        for value in vars(file_model).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.model_fields
    ]
    assert len(entries) > len(("network", "customers", "sites", "devices", "pools"))
    for entry in entries:
        for field in entry.model_fields:
            assert f"| `{field}` |" in page, f"{entry.__name__}.{field}"


def test_every_role_and_kind_is_on_the_page() -> None:
    page = inventory_reference()
    for name in (*load_roles().by_name, *KINDS):
        assert f"| `{name}` |" in page


def test_what_the_example_s_things_carry_is_told_by_kind() -> None:
    content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    for pool in content["pools"]:
        said = {*pool.get("attributes", {}), *pool.get("item_attributes", {})}
        for item in pool.get("items", []):
            said |= set(item.get("attributes", {}))
        kind = KINDS[pool["kind"]]
        assert said <= {*kind.carries, *kind.scope}, pool["name"]
