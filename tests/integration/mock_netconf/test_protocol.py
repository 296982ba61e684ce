"""RFC 6241 and 6242 as a client on the wire sees them."""

import asyncio
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from mock_devices.netconf import NetconfDevice, load_schema
from mock_devices.netconf.framing import framed


def test_hello_announces_what_the_device_can_do_and_its_modules(on_olt: Any, lab: Any) -> None:
    async def session(client: Any) -> list[str]:
        return [item.text for item in client.hello.iter(f"{{{lab.BASE}}}capability")]

    said = on_olt(session)
    for word in ("candidate:1.0", "confirmed-commit:1.1", "rollback-on-error:1.0", "validate:1.1"):
        assert f"urn:ietf:params:netconf:capability:{word}" in said
    assert any("with-defaults:1.0?basic-mode=explicit" in text for text in said)
    assert any(text.startswith("urn:bbf:yang:bbf-xponvani?module=bbf-xponvani&") for text in said)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_chunks_split_anywhere_make_the_same_request(on_olt: Any, lab: Any, size: int) -> None:
    async def session(client: Any) -> None:
        get = "<get-config><source><running/></source></get-config>"
        whole = f'<rpc xmlns="{lab.BASE}" message-id="é7">{get}</rpc>'.encode()
        data = b"".join(
            b"\n#%d\n%s" % (len(whole[at : at + size]), whole[at : at + size])
            for at in range(0, len(whole), size)
        )
        for byte in data + b"\n##\n":
            await client.send_raw(bytes([byte]))
        reply = lab.parse(await client.receive())
        assert reply.get("message-id") == "é7"
        assert b"CPART-2-8" in lab.etree.tostring(reply)

    on_olt(session)


def test_a_base_1_0_device_talks_with_end_of_message_markers(tmp_path: Path, lab: Any) -> None:
    device = NetconfDevice("old", load_schema("bbf-olt"), lab.CREDENTIALS, tmp_path, framing="1.0")

    async def run() -> None:
        async with lab.running(device) as port, lab.connected(port) as client:
            assert not client.reader.chunked
            await client.edit(lab.OLT_BASELINE.split(">", 1)[1].rpartition("</config>")[0])
            await client.commit()
            assert "CG-2-8" in await client.get_config()

    asyncio.run(run())


def test_a_client_of_base_1_0_only_is_served_without_chunks(olt: NetconfDevice, lab: Any) -> None:
    async def run() -> None:
        async with lab.running(olt) as port, lab.connected(port, "1.0") as client:
            assert "CG-2-8" in await client.get_config()

    asyncio.run(run())


def test_a_missing_message_id_is_named_and_the_session_goes_on(on_olt: Any, lab: Any) -> None:
    async def session(client: Any) -> None:
        await client.send_raw(
            framed(f'<rpc xmlns="{lab.BASE}"><get/></rpc>'.encode(), chunked=True)
        )
        with pytest.raises(lab.RefusedError) as refused:
            lab.accepted(lab.parse(await client.receive()))
        assert refused.value.tag == "missing-attribute"
        assert refused.value.first["info"] == {"bad-attribute": "message-id", "bad-element": "rpc"}
        await client.get_config()

    on_olt(session)


def test_attributes_of_the_rpc_come_back_in_the_reply(on_olt: Any, lab: Any) -> None:
    async def session(client: Any) -> None:
        attributes = 'message-id="1" xmlns:u="urn:u" u:trace="t-7"'
        rpc = f'<rpc xmlns="{lab.BASE}" {attributes}><discard-changes/></rpc>'
        await client.send_raw(framed(rpc.encode(), chunked=True))
        assert lab.parse(await client.receive()).get("{urn:u}trace") == "t-7"

    on_olt(session)


@pytest.mark.parametrize(
    "operation",
    [
        "<copy-config><target><running/></target><source><candidate/></source></copy-config>",
        "<delete-config><target><startup/></target></delete-config>",
        '<reboot xmlns="urn:vendor"/>',
        "<get-config><source><running/></source><filter type='xpath' select='/x'/></get-config>",
        "<edit-config><target><running/></target><config/></edit-config>",
    ],
)
def test_what_the_device_cannot_do_is_operation_not_supported(
    on_olt: Any, lab: Any, operation: str
) -> None:
    async def session(client: Any) -> None:
        with pytest.raises(lab.RefusedError) as refused:
            await client.rpc(operation)
        assert refused.value.tag == "operation-not-supported"
        await client.get_config()

    on_olt(session)


@pytest.mark.parametrize(
    "message",
    [
        b"<rpc>",
        b"no xml",
        b'<!DOCTYPE rpc [<!ENTITY x "y">]>'
        b'<rpc message-id="1" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><get/></rpc>',
        b"<data/>",
    ],
)
def test_a_malformed_message_ends_the_session(on_olt: Any, message: bytes) -> None:
    async def session(client: Any) -> None:
        await client.send_raw(framed(message, chunked=True))
        with pytest.raises((ConnectionError, asyncssh.Error)):
            await client.receive()

    on_olt(session)


def test_bytes_outside_the_chunks_end_the_session(on_olt: Any) -> None:
    async def session(client: Any) -> None:
        await client.send_raw(b"\n#0\n")
        with pytest.raises((ConnectionError, asyncssh.Error)):
            await client.receive()

    on_olt(session)


def test_close_session_is_answered_and_ends_it(on_olt: Any) -> None:
    async def session(client: Any) -> None:
        await client.rpc("<close-session/>")
        with pytest.raises(ConnectionError):
            await client.receive()

    on_olt(session)


def test_a_wrong_password_is_refused(olt: NetconfDevice, lab: Any) -> None:
    async def run() -> None:
        async with lab.running(olt) as port:
            with pytest.raises(asyncssh.PermissionDenied):
                async with lab.connected(port, password="guess"):
                    pass

    asyncio.run(run())


def test_only_loopback_addresses_are_bound(olt: NetconfDevice) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.0/8"):
        asyncio.run(olt.start("0.0.0.0"))  # noqa: S104 - the very thing to be refused


def test_subtree_filters_select_and_match_over_the_wire(on_olt: Any, lab: Any) -> None:
    async def session(client: Any) -> None:
        text = await client.get_config(
            f'<interfaces xmlns="{lab.IF}"><interface><name>CG-2-8</name></interface>'
            f"<interface><name>uplink-1</name><type/></interface></interfaces>"
        )
        assert "CG-2-8" in text
        assert "uplink-1" in text
        assert "CPART-2-8" not in text

    on_olt(session)


def test_identities_come_back_with_the_devices_own_prefix(on_olt: Any, lab: Any) -> None:
    async def session(client: Any) -> None:
        await client.edit(lab.bearer("A", 17))
        text = await client.get_config(
            f'<interfaces xmlns="{lab.IF}"><interface><name>vani-A</name></interface></interfaces>',
            source="candidate",
        )
        assert 'xmlns:bbf-xponift="urn:bbf:yang:bbf-xpon-if-type"' in text
        assert ">bbf-xponift:v-ani<" in text

    on_olt(session)


def test_with_defaults_modes_show_what_they_promise(on_olt: Any, lab: Any) -> None:
    async def session(client: Any) -> None:
        named = "<interface><name>CPART-2-8</name></interface>"
        asked = f'<interfaces xmlns="{lab.IF}">{named}</interfaces>'
        mode = (
            '<with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">'
            "{}</with-defaults>"
        )
        assert "<enabled>" not in await client.get_config(asked)
        shown = await client.get_config(asked, more=mode.format("report-all"))
        assert "<enabled>true</enabled>" in shown
        assert "<downstream-fec>true</downstream-fec>" in shown
        await client.edit(
            f'<interfaces xmlns="{lab.IF}"><interface><name>CPART-2-8</name>'
            "<enabled>true</enabled></interface></interfaces>"
        )
        explicit = await client.get_config(asked, source="candidate")
        trimmed = await client.get_config(asked, source="candidate", more=mode.format("trim"))
        assert "<enabled>" in explicit
        assert "<enabled>" not in trimmed
        with pytest.raises(lab.RefusedError) as refused:
            await client.get_config(asked, more=mode.format("report-all-tagged"))
        assert refused.value.tag == "invalid-value"

    on_olt(session)
