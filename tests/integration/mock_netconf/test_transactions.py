"""Locks, edits, commits, confirmed commits and restarts."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from mock_devices.netconf import NetconfDevice, load_schema


def run_with(lab: Any, olt: NetconfDevice, sessions: int, test: Any) -> Any:
    """Run ``test`` with that many sessions on the started OLT."""

    async def run() -> Any:
        async with lab.running(olt) as port:
            contexts = [lab.connected(port) for _ in range(sessions)]
            clients = [await context.__aenter__() for context in contexts]
            result = await test(*clients)
            for context in contexts:
                await context.__aexit__(None, None, None)
            return result

    return asyncio.run(run())


async def refused(lab: Any, operation: Any) -> Any:
    with pytest.raises(lab.RefusedError) as error:
        await operation
    return error.value


def test_a_commit_brings_the_edit_into_running(on_olt: Any, lab: Any, olt: NetconfDevice) -> None:
    async def session(client: Any) -> None:
        await client.edit(lab.bearer("A", 17))
        assert "vani-A" not in await client.get_config()
        await client.rpc("<validate><source><candidate/></source></validate>")
        await client.commit()
        assert "vani-A" in await client.get_config()

    on_olt(session)
    assert (olt.counters.edits, olt.counters.commits) == (1, 1)
    assert (
        "/if:interfaces/if:interface[if:name='vani-A']/if:type" in olt.counters.applied[-1].paths()
    )


def test_a_refused_edit_with_rollback_on_error_leaves_the_candidate_as_it_was(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    async def session(client: Any) -> None:
        await client.edit(lab.bearer("A", 17))
        before = olt.candidate_xml()
        bad = lab.bearer("B", 18).replace("<alloc-id>530", "<alloc-id>many")
        error = await refused(
            lab, client.edit(bad, "<error-option>rollback-on-error</error-option>")
        )
        assert error.tag == "invalid-value"
        assert error.first["error-path"].endswith(
            "tcont[bbf-xpongemtcont:name='tcont-B']/bbf-xpongemtcont:alloc-id"
        )
        assert olt.candidate_xml() == before

    on_olt(session)


def test_a_refused_edit_with_stop_on_error_keeps_what_came_before(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    async def session(client: Any) -> None:
        bad = lab.bearer("B", 18).replace("<alloc-id>530", "<alloc-id>many")
        await refused(lab, client.edit(bad))
        assert b"venet-B" in olt.candidate_xml()
        assert b"gem-B" not in olt.candidate_xml()

    on_olt(session)


def test_a_lock_is_denied_with_the_holders_session_id(lab: Any, olt: NetconfDevice) -> None:
    async def test(first: Any, second: Any) -> None:
        lock = "<lock><target><{}/></target></lock>"
        await first.rpc(lock.format("candidate"))
        await first.rpc(lock.format("running"))
        for target in ("candidate", "running"):
            error = await refused(lab, second.rpc(lock.format(target)))
            assert error.tag == "lock-denied"
            assert error.first["info"] == {"session-id": str(first.session)}
        assert (await refused(lab, second.edit(lab.bearer("B", 18)))).tag == "in-use"
        assert (await refused(lab, second.commit())).tag == "in-use"
        await first.rpc("<close-session/>")
        await second.rpc(lock.format("candidate"))

    run_with(lab, olt, 2, test)


def test_a_candidate_dirtied_by_another_session_cannot_be_locked(
    lab: Any, olt: NetconfDevice
) -> None:
    async def test(first: Any, second: Any) -> None:
        lock = "<lock><target><candidate/></target></lock>"
        await first.edit(lab.bearer("A", 17))
        error = await refused(lab, second.rpc(lock))
        assert error.tag == "lock-denied"
        assert error.first["info"] == {"session-id": "0"}
        await first.rpc("<discard-changes/>")
        await second.rpc(lock)

    run_with(lab, olt, 2, test)


def test_unlocking_the_candidate_discards_what_was_left_in_it(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    async def session(client: Any) -> None:
        await client.rpc("<lock><target><candidate/></target></lock>")
        await client.edit(lab.bearer("A", 17))
        await client.rpc("<unlock><target><candidate/></target></unlock>")
        assert olt.candidate_xml() == olt.running_xml()

    on_olt(session)


def test_killing_a_session_frees_its_locks(lab: Any, olt: NetconfDevice) -> None:
    async def test(first: Any, second: Any) -> None:
        await first.rpc("<lock><target><running/></target></lock>")
        own = f"<kill-session><session-id>{second.session}</session-id></kill-session>"
        assert (await refused(lab, second.rpc(own))).tag == "invalid-value"
        other = f"<kill-session><session-id>{first.session}</session-id></kill-session>"
        await second.rpc(other)
        await second.rpc("<lock><target><running/></target></lock>")
        with pytest.raises((ConnectionError, asyncssh.Error)):
            await first.receive()

    run_with(lab, olt, 2, test)


CONFIRMED = "<confirmed/><confirm-timeout>{}</confirm-timeout>"


def test_an_unconfirmed_commit_goes_back_when_its_time_is_over(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    async def session(client: Any) -> None:
        before = olt.running_xml()
        await client.edit(lab.bearer("A", 17))
        await client.commit(CONFIRMED.format(1))
        assert olt.running_xml() != before
        async with asyncio.timeout(5):
            while olt.counters.applied[-1].kind != "revert":
                await client.rpc("<get-config><source><candidate/></source></get-config>")
        assert olt.running_xml() == before == olt.candidate_xml()

    on_olt(session)


def test_a_confirming_commit_keeps_it(on_olt: Any, lab: Any, olt: NetconfDevice) -> None:
    async def session(client: Any) -> None:
        await client.edit(lab.bearer("A", 17))
        await client.commit(CONFIRMED.format(1))
        await client.commit()
        assert [commit.kind for commit in olt.counters.applied] == ["confirmed", "confirming"]

    on_olt(session)
    assert b"vani-A" in olt.running_xml()


def test_without_persist_a_lost_session_takes_the_commit_back(lab: Any, olt: NetconfDevice) -> None:
    async def run() -> None:
        async with lab.running(olt) as port, lab.connected(port) as watcher:
            async with lab.connected(port) as client:
                await client.edit(lab.bearer("A", 17))
                await client.commit(CONFIRMED.format(60))
                assert b"vani-A" in olt.running_xml()
            async with asyncio.timeout(5):
                while b"vani-A" in olt.running_xml():
                    await watcher.rpc("<validate><source><running/></source></validate>")

    asyncio.run(run())


def test_with_persist_another_session_confirms_by_the_id_and_only_by_it(
    lab: Any, olt: NetconfDevice
) -> None:
    async def run() -> None:
        async with lab.running(olt) as port:
            async with lab.connected(port) as client:
                await client.edit(lab.bearer("A", 17))
                await client.commit(CONFIRMED.format(60) + "<persist>txn-1</persist>")
            async with lab.connected(port) as client:
                assert (await refused(lab, client.commit())).tag == "in-use"
                wrong = await refused(lab, client.commit("<persist-id>txn-2</persist-id>"))
                assert wrong.tag == "invalid-value"
                cancel = await refused(
                    lab, client.rpc("<cancel-commit><persist-id>txn-2</persist-id></cancel-commit>")
                )
                assert cancel.tag == "invalid-value"
                await client.commit("<persist-id>txn-1</persist-id>")
                gone = await refused(lab, client.commit("<persist-id>txn-1</persist-id>"))
                assert gone.tag == "invalid-value"
        assert b"vani-A" in olt.running_xml()

    asyncio.run(run())


def test_a_second_confirmed_commit_still_goes_back_to_before_the_first(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    async def session(client: Any) -> None:
        before = olt.running_xml()
        await client.edit(lab.bearer("A", 17))
        await client.commit(CONFIRMED.format(60))
        await client.edit(lab.bearer("B", 18))
        await client.commit(CONFIRMED.format(60))
        await client.rpc("<cancel-commit/>")
        assert olt.running_xml() == before

    on_olt(session)


def test_a_restart_keeps_running_and_drops_an_unconfirmed_commit(
    lab: Any, olt: NetconfDevice
) -> None:
    async def run() -> None:
        async with lab.running(olt) as port, lab.connected(port) as client:
            await client.edit(lab.bearer("A", 17))
            await client.commit()
            kept = olt.running_xml()
            await client.edit(lab.bearer("B", 18))
            await client.commit(CONFIRMED.format(60) + "<persist>p</persist>")
        key = olt.host_key_public
        async with lab.running(olt) as port, lab.connected(port) as client:
            assert olt.running_xml() == kept
            assert olt.host_key_public == key
            assert (await refused(lab, client.commit("<persist-id>p</persist-id>"))).tag == (
                "invalid-value"
            )

    asyncio.run(run())


def test_a_device_with_a_startup_datastore_forgets_at_a_restart_what_was_not_copied_there(
    lab: Any, tmp_path: Path
) -> None:
    device = NetconfDevice(
        "OLT-S",
        load_schema("bbf-olt"),
        lab.CREDENTIALS,
        tmp_path,
        lab.OLT_BASELINE.encode(),
        has_startup=True,
    )
    copy = "<copy-config><target><{}/></target><source><{}/></source></copy-config>"

    async def run() -> None:
        async with lab.running(device) as port, lab.connected(port) as client:
            await client.edit(lab.bearer("A", 17))
            await client.commit()
            assert "vani-A" not in await client.get_config(source="startup")
            await client.rpc(copy.format("startup", "running"))
            assert "vani-A" in await client.get_config(source="startup")
            await client.edit(lab.bearer("B", 18))
            await client.commit()
            other = await refused(lab, client.rpc(copy.format("running", "startup")))
            assert other.tag == "operation-not-supported"
        async with lab.running(device) as port, lab.connected(port) as client:
            shown = await client.get_config()
            assert "vani-A" in shown
            assert "vani-B" not in shown

    asyncio.run(run())


def test_a_commit_takes_as_long_as_the_device_is_told(lab: Any, olt: NetconfDevice) -> None:
    async def test(writer: Any, reader: Any) -> None:
        olt.commit_delay = 0.2
        loop = asyncio.get_running_loop()
        await writer.edit(lab.bearer("A", 17))
        started = loop.time()
        await writer.send("<commit/>")
        assert "vani-A" not in await reader.get_config()
        assert loop.time() - started < 0.2
        lab.accepted(lab.parse(await writer.receive()))
        assert loop.time() - started >= 0.2

    run_with(lab, olt, 2, test)


def test_default_operation_none_touches_only_what_carries_an_operation(
    on_olt: Any, lab: Any, olt: NetconfDevice
) -> None:
    async def session(client: Any) -> None:
        none = "<default-operation>none</default-operation>"
        entry = "<interface><name>{}</name>{}</interface>"
        place = f'<interfaces xmlns="{lab.IF}" {lab.NC}>{entry}</interfaces>'
        leaf = '<description nc:operation="{}">x</description>'
        enabled = "<enabled>{}</enabled>"
        await client.edit(place.format("uplink-1", enabled.format("true")))
        await client.edit(place.format("uplink-1", enabled.format("false")), none)
        assert b"<enabled>true</enabled>" in olt.candidate_xml()
        await client.edit(place.format("uplink-1", leaf.format("create")), none)
        assert b"<description>x</description>" in olt.candidate_xml()
        exists = await refused(
            lab, client.edit(place.format("uplink-1", leaf.format("create")), none)
        )
        assert exists.tag == "data-exists"
        await client.edit(place.format("uplink-1", leaf.format("delete")), none)
        missing = await refused(
            lab, client.edit(place.format("uplink-1", leaf.format("delete")), none)
        )
        assert missing.tag == "data-missing"
        assert missing.first["error-path"] == (
            "/if:interfaces/if:interface[if:name='uplink-1']/if:description"
        )
        absent = await refused(lab, client.edit(place.format("no-such", ""), none))
        assert absent.tag == "data-missing"

    on_olt(session)


def test_test_options_judge_before_they_touch(on_olt: Any, lab: Any, olt: NetconfDevice) -> None:
    async def session(client: Any) -> None:
        clean = olt.candidate_xml()
        dangling = lab.bearer("A", 17, profile="NO-SUCH")
        error = await refused(
            lab, client.edit(dangling, "<test-option>test-then-set</test-option>")
        )
        assert error.first["error-app-tag"] == "instance-required"
        await client.edit(lab.bearer("A", 17), "<test-option>test-only</test-option>")
        assert olt.candidate_xml() == clean

    on_olt(session)


@pytest.mark.parametrize(
    "parameters",
    [
        "<confirm-timeout>5</confirm-timeout>",
        "<persist>x</persist>",
        "<confirmed/><confirm-timeout>0</confirm-timeout>",
        "<confirmed/><confirm-timeout>soon</confirm-timeout>",
        "<confirmed/><persist/>",
        "<persist-id>never-armed</persist-id>",
    ],
)
def test_a_commit_with_senseless_parameters_is_refused(
    on_olt: Any, lab: Any, parameters: str
) -> None:
    async def session(client: Any) -> None:
        assert (await refused(lab, client.commit(parameters))).tag == "invalid-value"

    on_olt(session)


def test_a_device_with_writable_running_takes_edits_at_once(tmp_path: Path, lab: Any) -> None:
    schema = replace(load_schema("bbf-olt"), writable_running=True)
    device = NetconfDevice("D", schema, lab.CREDENTIALS, tmp_path, lab.OLT_BASELINE.encode())

    async def run() -> None:
        async with lab.running(device) as port, lab.connected(port) as client:
            said = {item.text for item in client.hello.iter(f"{{{lab.BASE}}}capability")}
            assert "urn:ietf:params:netconf:capability:writable-running:1.0" in said
            await client.edit(lab.bearer("A", 17), target="running")
            assert "vani-A" in await client.get_config()
            before = device.running_xml()
            dangling = lab.bearer("B", 18, profile="NONE")
            error = await refused(lab, client.edit(dangling, target="running"))
            assert error.first["error-app-tag"] == "instance-required"
            assert device.running_xml() == before == device.candidate_xml()

    asyncio.run(run())


def test_twenty_devices_live_in_one_loop(tmp_path: Path, lab: Any) -> None:
    devices = [
        NetconfDevice(f"D{number}", load_schema("bbf-olt"), lab.CREDENTIALS, tmp_path)
        for number in range(20)
    ]

    async def serve(device: NetconfDevice) -> str:
        async with lab.running(device) as port, lab.connected(port) as client:
            name = "<subscriber-profile><name>{}</name></subscriber-profile>"
            space = "urn:bbf:yang:bbf-subscriber-profiles"
            inner = name.format(device.name)
            await client.edit(f'<subscriber-profiles xmlns="{space}">{inner}</subscriber-profiles>')
            await client.commit()
            shown: str = await client.get_config()
            return shown

    async def run() -> list[str]:
        return await asyncio.gather(*map(serve, devices))

    shown = asyncio.run(run())
    assert all(f">{device.name}<" in text for device, text in zip(devices, shown, strict=True))
    assert len({device.host_key_public for device in devices}) == 20
