import sqlite3
from pathlib import Path

import pytest

from mock_devices.services.radius.database import RadiusDatabase

CIRCUIT = "OLT-SOUTH-03 xpon 2/8/17:2108"


@pytest.fixture
def database(tmp_path: Path) -> RadiusDatabase:
    seed = {
        "radcheck": [
            {"username": CIRCUIT, "attribute": "Auth-Type", "op": ":=", "value": "Accept"}
        ],
        "radreply": [
            {
                "username": CIRCUIT,
                "attribute": "Framed-IP-Address",
                "op": ":=",
                "value": "10.88.12.2",
            }
        ],
        "radusergroup": [{"username": CIRCUIT, "groupname": "GOLD", "priority": 1}],
        "radgroupreply": [
            {"groupname": "GOLD", "attribute": "Alc-SLA-Prof-Str", "op": ":=", "value": "GOLD"},
            {"groupname": "GOLD", "attribute": "Cisco-AVPair", "op": "+=", "value": "in=GOLD"},
            {"groupname": "GOLD", "attribute": "Cisco-AVPair", "op": "+=", "value": "out=GOLD"},
        ],
    }
    return RadiusDatabase(tmp_path, seed)


def execute(database: RadiusDatabase, statement: str) -> None:
    with sqlite3.connect(database.path) as connection:
        connection.execute(statement)


def test_an_accept_carries_the_users_and_the_groups_attributes(database: RadiusDatabase) -> None:
    assert database.authorize(CIRCUIT) == (
        ("Framed-IP-Address", "10.88.12.2"),
        ("Alc-SLA-Prof-Str", "GOLD"),
        ("Cisco-AVPair", "in=GOLD"),
        ("Cisco-AVPair", "out=GOLD"),
    )


def test_an_unknown_circuit_is_rejected(database: RadiusDatabase) -> None:
    assert database.authorize("OLT-SOUTH-03 xpon 2/8/18:2109") is None


def test_without_its_check_row_a_circuit_is_rejected(database: RadiusDatabase) -> None:
    execute(database, "DELETE FROM radcheck")
    assert database.authorize(CIRCUIT) is None


def test_a_second_group_counts_only_when_the_first_falls_through(database: RadiusDatabase) -> None:
    columns = "INSERT INTO radusergroup (username, groupname, priority) VALUES "
    execute(database, columns + f"('{CIRCUIT}', 'LATER', 2)")
    columns = "INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES "
    execute(database, columns + "('LATER', 'Class', '=', 'later')")
    assert ("Class", "later") not in (database.authorize(CIRCUIT) or ())
    execute(database, columns + "('GOLD', 'Fall-Through', '=', 'Yes')")
    assert ("Class", "later") in (database.authorize(CIRCUIT) or ())


def test_the_schema_lets_an_attribute_be_there_twice(database: RadiusDatabase) -> None:
    columns = "INSERT INTO radreply (username, attribute, op, value) VALUES "
    execute(database, columns + f"('{CIRCUIT}', 'Framed-IP-Address', ':=', '10.88.12.3')")
    assert database.rows()["radreply"] == 2


def test_rows_outlive_the_lab_and_the_seed_is_sown_once(
    database: RadiusDatabase, tmp_path: Path
) -> None:
    execute(database, "DELETE FROM radreply")
    assert RadiusDatabase(tmp_path, {"radreply": []}).rows()["radreply"] == 0
    assert database.url == f"sqlite:///{database.path}"
    assert database.path.is_absolute()
