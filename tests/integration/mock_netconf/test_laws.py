"""What holds for any sequence of edits, and how much a large device may cost."""

import asyncio
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_devices.netconf import NetconfDevice, load_schema
from mock_devices.netconf.datastores import CommitRequest

SITES = st.integers(1, 6)
STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove", "broken"]), SITES), max_size=8)


def element(lab: Any, content: str) -> Any:
    return lab.parse(f'<config xmlns="{lab.BASE}">{content}</config>'.encode())


def play(lab: Any, device: NetconfDevice, steps: list[tuple[str, int]]) -> None:
    """Edit the candidate; a broken step is refused and leaves no trace."""
    stores = device._datastores()
    for action, number in steps:
        site = f"S{number}"
        if action == "broken":
            bad = element(lab, lab.bearer(site, number).replace("<alloc-id>", "<alloc-id>x"))
            before = stores.candidate
            try:
                stores.edit(1, bad, error_option="rollback-on-error")
            except lab.REFUSAL:
                assert stores.candidate is before
        else:
            content = lab.bearer(site, number) if action == "add" else lab.no_bearer(site)
            stores.edit(1, element(lab, content))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=STEPS, second=STEPS)
def test_cancelling_a_confirmed_commit_is_as_if_it_had_never_been(
    lab: Any, tmp_path_factory: Any, first: list[tuple[str, int]], second: list[tuple[str, int]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("device")
    device = NetconfDevice(
        "D", load_schema("bbf-olt"), lab.CREDENTIALS, folder, lab.OLT_BASELINE.encode()
    )

    async def run() -> None:
        async with lab.running(device):
            stores = device._datastores()
            play(lab, device, first)
            await stores.commit(CommitRequest(1))
            before = device.running_xml()
            kept = (folder / "D.running.xml").read_bytes()
            play(lab, device, second)
            await stores.commit(CommitRequest(1, confirmed=True))
            stores.cancel_commit(1, None)
            assert device.running_xml() == before == device.candidate_xml()
            assert (folder / "D.running.xml").read_bytes() == kept == before
            # The books of references are right again: everything can go and come back.
            play(lab, device, [("remove", number) for number in range(1, 7)])
            await stores.commit(CommitRequest(1))
            play(lab, device, first)
            await stores.commit(CommitRequest(1))
            assert device.running_xml() == before

    asyncio.run(run())


def test_one_site_on_a_device_with_2600_interfaces_costs_a_small_part_of_all_of_them(
    lab: Any, tmp_path: Path
) -> None:
    device = NetconfDevice(
        "D", load_schema("bbf-olt"), lab.CREDENTIALS, tmp_path, lab.OLT_BASELINE.encode()
    )
    partitions = "".join(
        f'<interface><name>CPART-{port}</name><type xmlns:xt="urn:bbf:yang:bbf-xpon-if-type">'
        f'xt:channel-partition</type><channel-partition xmlns="{lab.XPON}">'
        "<channel-group-ref>CG-2-8</channel-group-ref></channel-partition></interface>"
        for port in range(21)
    )

    def site(number: int) -> str:
        onu, port = number % 64, number // 64
        text: str = lab.bearer(f"S{number}", onu)
        return text.replace("CPART-2-8", f"CPART-{port}")

    async def spent(client: Any, *sites: int) -> float:
        """CPU seconds, of client and device together, that bringing these sites in takes."""
        started = time.process_time()
        await client.edit("".join(map(site, sites)))
        await client.rpc("<validate><source><candidate/></source></validate>")
        await client.commit()
        return time.process_time() - started

    async def run() -> tuple[float, float]:
        async with lab.running(device) as port, lab.connected(port) as client:
            await client.edit(f'<interfaces xmlns="{lab.IF}">{partitions}</interfaces>')
            every = await spent(client, *range(1300))
            assert len(device.running.container("interfaces").entries("interface")) > 2600
            # The least of several: on a busy machine the same work costs more now and then.
            return every, min([await spent(client, number) for number in range(1300, 1305)])

    every, one = asyncio.run(run())
    assert one < every / 8, (one, every)
