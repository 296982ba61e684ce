"""A device on the loopback and a client that hides nothing of the protocol."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from lxml import etree

from mock_devices.netconf import NetconfDevice, RpcError, load_schema
from mock_devices.netconf.framing import FrameReader, framed
from mock_devices.netconf.markup import BASE, parse

CREDENTIALS = {"rom": "lab-password"}
IF = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
XPON = "urn:bbf:yang:bbf-xpon"
VANI = "urn:bbf:yang:bbf-xponvani"
GEM = "urn:bbf:yang:bbf-xpongemtcont"
SUBIF = "urn:bbf:yang:bbf-sub-interfaces"
REFUSAL = RpcError
NC = f'xmlns:nc="{BASE}"'
TYPES = (
    'xmlns:xt="urn:bbf:yang:bbf-xpon-if-type" xmlns:x="urn:bbf:yang:bbf-xpon-types"'
    ' xmlns:ianaift="urn:ietf:params:xml:ns:yang:iana-if-type"'
)

OLT_BASELINE = f"""<config xmlns="{BASE}">
<interfaces xmlns="{IF}" {TYPES}>
 <interface><name>CG-2-8</name><type>xt:channel-group</type></interface>
 <interface><name>CPART-2-8</name><type>xt:channel-partition</type>
  <channel-partition xmlns="{XPON}"><channel-group-ref>CG-2-8</channel-group-ref>
  </channel-partition></interface>
 <interface><name>CPAIR-2-8</name><type>xt:channel-pair</type>
  <channel-pair xmlns="{XPON}"><channel-partition-ref>CPART-2-8</channel-partition-ref>
  <channel-pair-type>x:gpon</channel-pair-type></channel-pair></interface>
 <interface><name>CT-2-8</name><type>xt:channel-termination</type>
  <channel-termination xmlns="{XPON}"><channel-pair-ref>CPAIR-2-8</channel-pair-ref>
  <channel-termination-type>x:gpon</channel-termination-type></channel-termination></interface>
 <interface><name>uplink-1</name><type>ianaift:ethernetCsmacd</type></interface>
</interfaces>
<xpongemtcont xmlns="{GEM}"><traffic-descriptor-profiles><traffic-descriptor-profile>
 <name>BE</name><maximum-bandwidth>20000000</maximum-bandwidth>
</traffic-descriptor-profile></traffic-descriptor-profiles></xpongemtcont>
</config>"""


def bearer(site: str, onu: int, profile: str = "BE") -> str:
    """Return the edit that brings one site's bearer onto the OLT of the baseline."""
    return f"""<interfaces xmlns="{IF}" {TYPES}>
 <interface><name>vani-{site}</name><type>xt:v-ani</type><v-ani xmlns="{VANI}">
  <onu-id>{onu}</onu-id><channel-partition>CPART-2-8</channel-partition>
  <expected-serial-number>ALCL{onu:08X}</expected-serial-number></v-ani></interface>
 <interface><name>venet-{site}</name><type>xt:olt-v-enet</type>
  <olt-v-enet xmlns="{VANI}"><lower-layer-interface>vani-{site}</lower-layer-interface></olt-v-enet>
 </interface></interfaces>
<xpongemtcont xmlns="{GEM}">
 <tconts><tcont><name>tcont-{site}</name><alloc-id>{512 + onu}</alloc-id>
  <interface-reference>vani-{site}</interface-reference>
  <traffic-descriptor-profile-ref>{profile}</traffic-descriptor-profile-ref></tcont></tconts>
 <gemports><gemport><name>gem-{site}</name><gemport-id>{1024 + onu}</gemport-id>
  <interface>venet-{site}</interface><tcont-ref>tcont-{site}</tcont-ref></gemport></gemports>
</xpongemtcont>"""


def no_bearer(site: str) -> str:
    """Return the edit that removes a site's bearer."""
    gone = 'nc:operation="remove"'
    return f"""<interfaces xmlns="{IF}" {NC}>
 <interface {gone}><name>vani-{site}</name></interface>
 <interface {gone}><name>venet-{site}</name></interface></interfaces>
<xpongemtcont xmlns="{GEM}" {NC}><tconts><tcont {gone}><name>tcont-{site}</name></tcont></tconts>
<gemports><gemport {gone}><name>gem-{site}</name></gemport></gemports></xpongemtcont>"""


class RefusedError(Exception):
    """The device answered rpc-error; ``errors`` hold tag, app_tag, path, message and info."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(str(errors))
        self.errors = errors
        self.tag = errors[0]["error-tag"]

    @property
    def first(self) -> dict[str, Any]:
        return self.errors[0]


class Client:
    """One NETCONF session, byte by byte ours."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.reader = FrameReader()
        self.hello: etree._Element
        self.session = 0
        self._waiting: list[bytes] = []
        self._number = 0

    async def greet(self, *bases: str) -> None:
        self.hello = parse(await self.receive())
        self.session = int(self.hello.findtext(f"{{{BASE}}}session-id") or 0)
        said = "".join(
            f"<capability>urn:ietf:params:netconf:base:{base}</capability>" for base in bases
        )
        await self.send_raw(
            f'<hello xmlns="{BASE}"><capabilities>{said}</capabilities></hello>]]>]]>'.encode()
        )
        theirs = {item.text for item in self.hello.iter(f"{{{BASE}}}capability")}
        self.reader.chunked = "1.1" in bases and "urn:ietf:params:netconf:base:1.1" in theirs

    async def send_raw(self, data: bytes) -> None:
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def receive(self) -> bytes:
        """Return the next message; ``ConnectionError`` when the device hangs up."""
        while not self._waiting:
            data = await self.process.stdout.read(65536)
            if not data:
                raise ConnectionError("the device closed the session")
            self._waiting += self.reader.feed(data)
        return self._waiting.pop(0)

    async def send(self, operation: str) -> None:
        self._number += 1
        rpc = f'<rpc xmlns="{BASE}" message-id="{self._number}">{operation}</rpc>'
        await self.send_raw(framed(rpc.encode(), chunked=self.reader.chunked))

    async def rpc(self, operation: str) -> etree._Element:
        """Return the rpc-reply; raise ``RefusedError``."""
        await self.send(operation)
        return accepted(parse(await self.receive()))

    async def edit(self, content: str, options: str = "", target: str = "candidate") -> None:
        await self.rpc(
            f"<edit-config><target><{target}/></target>{options}"
            f"<config>{content}</config></edit-config>"
        )

    async def get_config(self, filters: str = "", source: str = "running", more: str = "") -> str:
        chosen = f'<filter type="subtree">{filters}</filter>' if filters else ""
        reply = await self.rpc(
            f"<get-config><source><{source}/></source>{chosen}{more}</get-config>"
        )
        return data_of(reply)

    async def get(self, filters: str) -> etree._Element:
        return await self.rpc(f'<get><filter type="subtree">{filters}</filter></get>')

    async def commit(self, parameters: str = "") -> None:
        await self.rpc(f"<commit>{parameters}</commit>")


def data_of(reply: etree._Element) -> str:
    data = reply.find(f"{{{BASE}}}data")
    assert data is not None
    return "".join(etree.tostring(child).decode() for child in data)


def accepted(reply: etree._Element) -> etree._Element:
    found = reply.findall(f"{{{BASE}}}rpc-error")
    if found:
        errors = []
        for error in found:
            values = {str(etree.QName(child).localname): child.text for child in error}
            info = error.find(f"{{{BASE}}}error-info")
            values["info"] = {  # type: ignore[assignment]  # the one nested value
                str(etree.QName(child).localname): child.text
                for child in ([] if info is None else info)
            }
            errors.append(values)
        raise RefusedError(errors)
    return reply


@asynccontextmanager
async def connected(
    port: int, *bases: str, password: str = CREDENTIALS["rom"]
) -> AsyncIterator[Client]:
    """Open one session; 1.1 unless told."""
    async with asyncssh.connect(
        "127.0.0.1",
        port,
        username="rom",
        password=password,
        known_hosts=None,
        client_keys=None,
        config=None,
    ) as connection:
        process = await connection.create_process(subsystem="netconf", encoding=None)
        client = Client(process)
        await client.greet(*(bases or ("1.0", "1.1")))
        yield client


@asynccontextmanager
async def running(device: NetconfDevice, port: int = 0) -> AsyncIterator[int]:
    """Start a device for the length of a block."""
    bound = await device.start(port=port)
    try:
        yield bound
    finally:
        await device.stop()


@pytest.fixture
def olt(tmp_path: Path) -> NetconfDevice:
    return NetconfDevice(
        "OLT-SOUTH-03", load_schema("bbf-olt"), CREDENTIALS, tmp_path, OLT_BASELINE.encode()
    )


@pytest.fixture
def lab() -> Any:
    """Everything above, for tests (which cannot import a conftest)."""
    import sys

    return sys.modules[__name__]


Session = Callable[[Client], Any]


@pytest.fixture
def on_olt(olt: NetconfDevice) -> Callable[[Session], Any]:
    """Run a coroutine function with one session on a started OLT."""

    def run(test: Session) -> Any:
        async def all_of_it() -> Any:
            async with running(olt) as port, connected(port) as client:
                return await test(client)

        return asyncio.run(all_of_it())

    return run
