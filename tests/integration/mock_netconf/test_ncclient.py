"""The widely used client library against a device."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ncclient import manager
from ncclient.operations.rpc import RPCError

from mock_devices.netconf import NetconfDevice


@pytest.fixture
def port(olt: NetconfDevice) -> Iterator[int]:
    """The port of an OLT that runs in a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(olt.start(), loop).result(5)
        asyncio.run_coroutine_threadsafe(olt.stop(), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_whole_cycle_of_ncclient_works(port: int, olt: NetconfDevice, lab: Any) -> None:
    config = f'<config xmlns="{lab.BASE}">{{}}</config>'
    with manager.connect(
        host="127.0.0.1", port=port, username="rom", password="lab-password",
        hostkey_verify=False, allow_agent=False, look_for_keys=False, timeout=10,
    ) as client:  # fmt: skip
        with client.locked("candidate"):
            client.discard_changes()
            client.edit_config(
                config=config.format(lab.bearer("A", 17)),
                target="candidate",
                error_option="rollback-on-error",
            )
            client.validate(source="candidate")
            client.commit(confirmed=True, timeout="60", persist="txn-9")
            client.commit(persist_id="txn-9")
        wanted = (
            f'<interfaces xmlns="{lab.IF}"><interface><name>vani-A</name></interface></interfaces>'
        )
        reply = client.get_config(
            source="running", filter=("subtree", wanted), with_defaults="report-all"
        )
        assert "ALCL00000011" in reply.data_xml
        assert "<enabled>true</enabled>" in reply.data_xml
        with pytest.raises(RPCError) as error:
            client.edit_config(
                config=config.format(lab.bearer("B", 18).replace("<onu-id>18", "<onu-id>-1")),
                target="candidate",
            )
        assert error.value.tag == "invalid-value"
        client.discard_changes()
        assert b"vani-A" in olt.running_xml()
