from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rom.catalog.loader import Catalog, load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes one specification file, the smallest there is with the given members laid over."""

    def _write(name: str = "extra.yaml", **members: object) -> Path:
        content = {
            "id": "RFS:Managed-Firewall",
            "key": "firewall",
            "name": "Managed-Firewall",
            "version": "1.0",
            "resource_type": {"category": "Logical", "label": "Firewall", "shows": "'-'"},
        } | members
        (tmp_path / name).write_text(yaml.safe_dump(content), encoding="utf-8")
        return tmp_path

    return _write
