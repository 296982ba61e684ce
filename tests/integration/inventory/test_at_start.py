"""The inventory file that a gateway is started with: loaded when it says something new."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

import inventory
from rom.model.deed import GATEWAY
from rom.model.errors import InventoryRefused
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.embedded import EmbeddedPostgres
from tests.databases import fresh_database

SHIPPED = (Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml").read_text()


def saying(capacity: str) -> str:
    """The shipped file with another capacity of the gateways' ports, which is 8G."""
    assert "capacity: 8G" in SHIPPED
    return SHIPPED.replace("capacity: 8G", f"capacity: {capacity}")


@pytest.fixture
def settings(postgres_server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Settings]:
    file = tmp_path / "inventory.yaml"
    file.write_text(SHIPPED)
    with fresh_database(postgres_server) as url:
        yield Settings(database_url=SecretStr(url), data_dir=tmp_path, inventory_file=file)


def capacity(gateway: Any) -> str:
    """The capacity of a gateway's port."""
    found = {line.capacity for line in gateway.inventory.pools() if line.kind == "sap-bandwidth"}
    return "/".join(f"{each // 10**9}G" for each in found)


def test_a_file_that_once_loaded_is_no_obstacle_to_a_start_and_shrinks_nothing(
    settings: Settings,
) -> None:
    with open_gateway(settings) as gateway:
        assert capacity(gateway) == "8G"
        gateway.inventory.load(yaml.safe_load(saying("16G")), "grown by hand", by=GATEWAY)
    with open_gateway(settings) as gateway:
        assert capacity(gateway) == "16G"


def test_a_file_that_says_something_new_is_loaded_at_the_next_start(settings: Settings) -> None:
    with open_gateway(settings) as gateway:
        assert capacity(gateway) == "8G"
    assert settings.inventory_file is not None
    settings.inventory_file.write_text(saying("7G"))
    with open_gateway(settings) as gateway:
        assert capacity(gateway) == "7G"
    settings.inventory_file.write_text(SHIPPED)
    with open_gateway(settings) as gateway:
        assert capacity(gateway) == "8G", "what was said before the last file counts as new"
    settings.inventory_file.write_text("pools: what?")
    with pytest.raises(InventoryRefused), open_gateway(settings):
        pass
