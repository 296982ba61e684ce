"""The overview of devices is told from what is written, without asking any."""

import warnings

import sqlalchemy as sa

from device_profiles.fragment import Fragment
from inventory.load import load_content
from rom.answers.devices import DeviceLine
from rom.drift.devices import overview
from rom.store import changes, intents
from rom.store.database import make_engine
from rom.store.tables import device_txn

SOMETHING = {"key": Fragment({("hostname",): "x"})}


def test_each_device_is_told_with_its_sites_what_waits_and_its_last_transaction(
    database_url: str,
) -> None:
    engine = make_engine(database_url)
    with engine.begin() as connection:
        for device, site in (("OLT-1", "A"), ("OLT-1", "B"), ("BNG-1", "A")):
            intents.keep(connection, device=device, site=site, role="access", fragments=SOMETHING)
        for number, (device, state) in enumerate(
            [("OLT-1", "committed"), ("BNG-1", "committed"), ("OLT-1", "reverted")]
        ):
            connection.execute(
                sa.insert(device_txn).values(
                    id=f"t{number}", device=device, kind="apply", state=state, epoch=1,
                    started_at=sa.func.clock_timestamp(),
                )
            )  # fmt: skip
        changes.request(connection, device="OLT-1", site="A", kind="apply")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = [each.on_the_wire() for each in overview(connection)]
    engine.dispose()
    assert [each["device"] for each in found] == ["BNG-1", "OLT-1"]
    bng, olt = found
    assert (bng["sites"], bng["waiting"], bng["lastTransaction"]["id"]) == (["A"], 0, "t1")
    assert (olt["sites"], olt["waiting"]) == (["A", "B"], 1)
    assert (olt["lastTransaction"]["id"], olt["lastTransaction"]["state"]) == ("t2", "reverted")


def test_a_device_is_told_with_its_address_and_without_the_gateways_login(
    database_url: str,
) -> None:
    engine = make_engine(database_url)
    with engine.begin() as connection:
        load_content(
            connection,
            {
                "devices": [
                    {"name": "OLT-1", "role": "access", "profile": "bbf-olt",
                     "attributes": {"area": "SOUTH"},
                     "endpoint": {"host": "192.0.2.3", "port": 830, "username": "service",
                                  "secret_name": "device/OLT-1", "host_key": "ssh-ed25519 AAAA"}},
                    {"name": "RADIUS-1", "role": "radius", "profile": "freeradius-sql",
                     "endpoint": {"host": "192.0.2.4", "options": {
                         "url": "postgresql://service:hunter2@192.0.2.4/radius?password=hunter2",
                         "privacy": "snmp-priv/1"}}},
                    {"name": "PLANNED", "role": "bng", "profile": "sros-bng"},
                ],
            },
            "test",
        )  # fmt: skip
        intents.keep(connection, device="FDO1", site="A", role="ce", fragments=SOMETHING)
        found = {each["device"]: each for each in map(DeviceLine.on_the_wire, overview(connection))}
    engine.dispose()
    assert found["OLT-1"]["attributes"] == {"area": "SOUTH"}
    assert found["OLT-1"]["endpoint"] == {
        "host": "192.0.2.3", "port": 830, "hostKey": "ssh-ed25519 AAAA", "options": {},
    }  # fmt: skip
    assert found["RADIUS-1"]["endpoint"]["options"] == {
        "url": "postgresql://192.0.2.4/radius", "privacy": "snmp-priv/1",
    }  # fmt: skip
    assert [found[name]["endpoint"] for name in ("PLANNED", "FDO1")] == [None, None]
    assert "service" not in str(found)
    assert "device/OLT-1" not in str(found)
