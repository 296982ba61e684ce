"""Endpoints of the lab come in, its passwords do not."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.lab_import import LabImportError, import_lab
from inventory.load import load_file
from inventory.model import UnknownEntryError
from inventory.queries import cpe_access, endpoint_data
from inventory.tables import metadata

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLE"
READY: dict[str, Any] = {
    "control": "http://127.0.0.1:1",
    "token": "control-token",
    "devices": {
        "OLT-SOUTH-03": {
            "profile_hint": "bbf-olt", "role": "access", "host": "127.0.0.1", "port": 10830,
            "username": "netops", "password": "pw-olt", "host_key": KEY, "url": None, "options": {},
        },
        "KEA-01": {
            "role": "dhcp4", "host": "127.0.0.1", "port": 18000, "username": "kea",
            "password": "pw-kea", "url": "http://127.0.0.1:18000/", "options": {"realm": "kea"},
        },
        "RADIUS-01": {
            "host": "127.0.0.1", "port": 0, "username": "", "password": "", "host_key": None,
            "url": "sqlite:////x", "options": {"path": "/x"},
        },
        "STRANGER": {"host": "127.0.0.1", "port": 1},
    },
    "cpe": {
        "FDO2340567": {
            "ssh": {
                "host": "127.0.0.1", "port": 10022, "username": "netops", "password": "pw-ce",
                "host_key": KEY,
            },
            "snmp": {
                "host": "127.0.0.1", "port": 10161, "engine_id": "80000009",
                "auth_password": "pw-snmp",
            },
            "twamp": {"host": "127.0.0.1", "port": 10862},
        }
    },
}  # fmt: skip


@pytest.fixture
def ready_file(tmp_path: Path) -> Path:
    path = tmp_path / "ready.json"
    path.write_text(json.dumps(READY))
    return path


def test_endpoints_and_access_are_taken_over(
    connection: sa.Connection, example: Path, ready_file: Path
) -> None:
    load_file(connection, example)
    with pytest.raises(UnknownEntryError, match="no endpoint"):
        endpoint_data(connection, "OLT-SOUTH-03")
    secrets: dict[str, str] = {}
    report = import_lab(connection, ready_file, secrets.__setitem__)
    assert report.devices == ("KEA4-01", "KEA6-01", "OLT-SOUTH-03", "RADIUS-01")
    assert report.cpe == ("FDO2340567",)
    assert report.unknown == ("STRANGER",)
    olt = endpoint_data(connection, "OLT-SOUTH-03")
    assert (olt.host, olt.port, olt.host_key) == ("127.0.0.1", 10830, KEY)
    assert secrets[olt.secret_name or ""] == "pw-olt"
    assert endpoint_data(connection, "KEA6-01").options["url"] == "http://127.0.0.1:18000/"
    radius = endpoint_data(connection, "RADIUS-01")
    assert (radius.port, radius.secret_name, radius.options["path"]) == (0, None, "/x")
    access = cpe_access(connection, "FDO2340567")
    assert secrets[access["ssh"]["secret_name"]] == "pw-ce"
    assert secrets[access["snmp"]["auth_password_secret_name"]] == "pw-snmp"
    assert access["twamp"] == {"host": "127.0.0.1", "port": 10862}


def test_no_password_reaches_the_database(
    connection: sa.Connection, example: Path, ready_file: Path
) -> None:
    load_file(connection, example)
    import_lab(connection, ready_file, {}.__setitem__)
    for table in metadata.sorted_tables:
        rows = connection.execute(sa.select(table)).all()
        assert "pw-" not in repr(rows), table.name


def test_loading_the_inventory_again_keeps_the_labs_endpoints(
    connection: sa.Connection, example: Path, ready_file: Path
) -> None:
    load_file(connection, example)
    import_lab(connection, ready_file, {}.__setitem__)
    again = load_file(connection, example)
    assert (again.created, again.changed, again.removed) == (0, 0, 0)
    assert endpoint_data(connection, "OLT-SOUTH-03").port == 10830


@pytest.mark.parametrize("text", ["", "{", "[]", '{"devices": {"X": {"password": "pw-x"}}}'])
def test_a_broken_ready_file_is_refused_without_showing_its_content(
    connection: sa.Connection, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(LabImportError) as caught:
        import_lab(connection, path, {}.__setitem__)
    assert "pw-x" not in str(caught.value)
