"""One simulated NETCONF device as a process: ``device_process.py SCHEMA BASELINE STATE_DIR``.

Prints port and host key, then answers each line of JSON on standard input: settings in, what it
was asked to do since it started out.
"""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

from lxml import etree

from mock_devices.netconf import NetconfDevice, device, load_schema
from mock_devices.netconf.messages import Body
from mock_devices.netconf.operations import Operations

CALLS: Counter[str] = Counter()


class Counting(Operations):
    """The device's operations, counted by name."""

    async def perform(self, session: int, operation: etree._Element) -> Body:
        CALLS[etree.QName(operation).localname] += 1
        return await super().perform(session, operation)


async def main() -> None:
    schema, baseline, state = sys.argv[1:]
    setattr(device, "Operations", Counting)  # noqa: B010 - counted where they arrive
    simulated = NetconfDevice(
        "DEVICE", load_schema(schema), {"rom": "lab"}, Path(state), Path(baseline).read_bytes()
    )
    port = await simulated.start()
    print(json.dumps([port, simulated.host_key_public]), flush=True)  # noqa: T201 - the protocol
    while line := await asyncio.to_thread(sys.stdin.readline):
        simulated.commit_delay = json.loads(line).get("commit_delay", simulated.commit_delay)
        print(json.dumps(dict(CALLS)), flush=True)  # noqa: T201 - the protocol


if __name__ == "__main__":
    asyncio.run(main())
