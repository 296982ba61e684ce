"""Faults on request, each seen from outside."""

import asyncio
from typing import Any

import asyncssh
import pytest

from mock_devices.netconf import NetconfDevice, RpcError

LOST = (ConnectionError, asyncssh.Error)


@pytest.mark.parametrize(("moment", "applied"), [("before", False), ("after", True)])
def test_a_session_dropped_around_a_commit_leaves_the_outcome_to_be_read(
    olt: NetconfDevice, lab: Any, moment: Any, *, applied: bool
) -> None:
    async def run() -> None:
        async with lab.running(olt) as port:
            async with lab.connected(port) as client:
                await client.edit(lab.bearer("A", 17))
                olt.faults.drop_session("commit", moment)
                with pytest.raises(LOST):
                    await client.commit()
            async with lab.connected(port) as client:
                assert ("vani-A" in await client.get_config()) is applied

    asyncio.run(run())


def test_a_commit_is_refused_as_often_as_asked_when_it_touches_the_text(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    olt.faults.refuse_commit("vani-A", RpcError("resource-denied", "TCAM full"))

    async def session(client: Any) -> None:
        await client.edit(lab.bearer("B", 18))
        await client.commit()
        await client.edit(lab.bearer("A", 17))
        with pytest.raises(lab.RefusedError) as error:
            await client.commit()
        assert error.value.first["error-message"] == "TCAM full"
        assert b"vani-A" not in olt.running_xml()
        await client.commit()
        assert b"vani-A" in olt.running_xml()

    on_olt(session)


def test_a_slow_commit_is_slow_once(on_olt: Any, lab: Any, olt: NetconfDevice) -> None:
    olt.faults.slow_commit(0.2)

    async def session(client: Any) -> None:
        loop = asyncio.get_running_loop()
        for seconds in (0.2, 0.0):
            started = loop.time()
            await client.commit()
            assert loop.time() - started >= seconds
        assert loop.time() - started < 0.2

    on_olt(session)


def test_a_device_can_refuse_connections_and_take_them_again(olt: NetconfDevice, lab: Any) -> None:
    async def run() -> None:
        async with lab.running(olt) as port:
            olt.faults.refuse_connections = True
            with pytest.raises((OSError, asyncssh.Error)):
                async with lab.connected(port):
                    pass
            assert olt.counters.connections == 0
            olt.faults.clear()
            async with lab.connected(port) as client:
                await client.get_config()
            assert olt.counters.connections == 1

    asyncio.run(run())
