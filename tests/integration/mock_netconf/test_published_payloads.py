"""Payloads that are valid by the published YANG go through the strict devices, in order."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mock_devices.netconf import NetconfDevice, load_schema

PAYLOADS = Path(__file__).parents[4] / "shared" / "payloads"
ORDER = {
    "bbf-olt": ("olt", "10 20 40 50 55 90"),
    "openconfig-switch": ("p2p-switch", "10 90"),
    "sros-bng": ("bng-nokia", "20 30 40 50 90"),
}

pytestmark = pytest.mark.skipif(not PAYLOADS.exists(), reason="the example payloads are not here")


def inside(document: bytes, lab: Any) -> str:
    """Return the children of a config document as text."""
    return "".join(lab.etree.tostring(child).decode() for child in lab.parse(document))


@pytest.mark.parametrize("schema", ORDER)
def test_a_sites_whole_life_is_accepted_and_every_step_twice_is_once(
    schema: str, tmp_path: Path, lab: Any
) -> None:
    folder, order = ORDER[schema]
    baseline = next((PAYLOADS / folder).glob("00-*.xml")).read_bytes()
    device = NetconfDevice("D", load_schema(schema), lab.CREDENTIALS, tmp_path, baseline)

    async def run() -> None:
        async with lab.running(device) as port, lab.connected(port) as client:
            for step in order.split():
                content = inside(next((PAYLOADS / folder).glob(f"{step}-*.xml")).read_bytes(), lab)
                await client.edit(content)
                await client.rpc("<validate><source><candidate/></source></validate>")
                await client.commit()
                once = device.running_xml()
                await client.edit(content)
                await client.commit()
                assert device.running_xml() == once
                if step != "90":
                    assert b"ENT-1102" in once

    asyncio.run(run())
    assert b"ENT-1102-MELB" not in device.running_xml()
    assert b"2109" not in device.running_xml()


def test_a_probe_takes_its_session(tmp_path: Path, lab: Any) -> None:
    device = NetconfDevice("P", load_schema("ietf-twamp-probe"), lab.CREDENTIALS, tmp_path)
    payload = next((PAYLOADS / "twamp").glob("50-*-probe.edit.xml")).read_bytes()

    async def run() -> None:
        async with lab.running(device) as port, lab.connected(port) as client:
            await client.edit(inside(payload, lab))
            await client.commit()

    asyncio.run(run())
    assert b"Probe-ENT-1102-MELB" in device.running_xml()


def test_a_bgp_key_is_never_shown(tmp_path: Path, lab: Any) -> None:
    folder = PAYLOADS / "bng-nokia"
    baseline = next(folder.glob("00-*.xml")).read_bytes()
    device = NetconfDevice("B", load_schema("sros-bng"), lab.CREDENTIALS, tmp_path, baseline)

    async def run() -> str:
        async with lab.running(device) as port, lab.connected(port) as client:
            for step in ("20", "30"):
                await client.edit(inside(next(folder.glob(f"{step}-*.xml")).read_bytes(), lab))
            await client.commit()
            shown: str = await client.get_config()
            return shown

    shown = asyncio.run(run())
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert "ChangeMe-from-vault" not in shown
    assert b"ChangeMe-from-vault" not in kept
    assert " hash2</authentication-key>" in shown
    assert "2001:db8:8812:2108::1" in shown
