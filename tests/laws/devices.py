"""Strict devices without SSH: the simulated devices' own operations behind the adapter's session.

The adapter's session is the product's; only the transport is replaced: a request leaves as the
bytes it would have on the wire and the reply comes back as bytes.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from unittest.mock import patch

from lxml import etree
from pydantic import SecretStr

from adapters.errors import ProtocolError
from adapters.netconf import session
from adapters.netconf.rpc import BASE, RpcFailure, _refusal
from adapters.netconf.session import NetconfSession
from adapters.seam import Capability, Endpoint, Session
from adapters.secrets import Secrets
from device_profiles.tree import Path, Tree, difference
from device_profiles.yang import decode, encode_edit
from mock_devices.lab.baselines import Baselines
from mock_devices.lab.neighbours import neighbours
from mock_devices.lab.topology import load_topology
from mock_devices.netconf import Faults, load_schema
from mock_devices.netconf.datastores import Counters, Datastores
from mock_devices.netconf.edit import Editor
from mock_devices.netconf.errors import InvalidConfigurationError, RpcError
from mock_devices.netconf.markup import parse
from mock_devices.netconf.messages import capabilities, errors, reply
from mock_devices.netconf.operational import NoState
from mock_devices.netconf.operations import Operations
from mock_devices.netconf.schema import Schema
from mock_devices.netconf.storage import parse_configuration
from mock_devices.netconf.tree import Container
from mock_devices.netconf.writing import Writer
from tests.laws.sites import DEVICES, PROFILES, ROOT, Wish, fragments, profile

TOPOLOGY = ROOT / "mock_devices" / "topologies" / "enterprise-fibre"
NEIGHBOURS = 12
GIVEN_SPEED = 100
"""Templates of this speed were made by engineering and are there from the start."""

Exchange = Callable[[bytes], bytes]


def resolve(name: str) -> SecretStr:
    return SecretStr("key-" + sha256(name.encode()).hexdigest()[:12])


@lru_cache
def schema(device: str) -> Schema:
    return load_schema(PROFILES[device])


def merged_into(device: str, base: Container, tree: Tree) -> Container:
    """The configuration with everything of ``tree`` laid over it; knows nothing of the ledger."""
    edits = Secrets(resolve, device).revealed(profile(device), difference({}, tree))
    config = etree.fromstring(etree.tostring(encode_edit(profile(device), edits)))
    return Editor(schema(device)).apply(base, config, "merge")


@lru_cache
def baseline(device: str) -> Container:
    """Engineering's configuration, neighbours in service, and the templates of one speed."""
    topology = load_topology(TOPOLOGY / "topology.yaml")
    some = neighbours(topology)[:NEIGHBOURS]
    document = Baselines(TOPOLOGY / "baselines", some).netconf(device, topology.devices[device])
    bare = parse_configuration(schema(device), document)
    qos = list(fragments(device, 0, Wish(GIVEN_SPEED)).values())[2]
    given = {path: value for item in qos.shared for path, value in item.tree.items()}
    return merged_into(device, bare, given)


def text(device: str, configuration: Container) -> bytes:
    """The device's own words for a configuration: equal bytes for equal configurations."""
    return Writer(schema(device)).document(configuration, "config", BASE)


def tree(device: str, configuration: Container) -> dict[Path, str]:
    return decode(profile(device), etree.fromstring(text(device, configuration)))


def oracle(device: str, surviving: Mapping[int, Wish | None]) -> Container:
    """The baseline plus what the surviving sites' fragments say, without plan or ledger."""
    said: dict[Path, str] = {}
    for index, wish in surviving.items():
        parts = fragments(device, index, wish).values()
        for part in parts:
            said.update(part.own)
        for part in parts:
            for item in part.shared:
                said.update(item.tree)
    return merged_into(device, baseline(device), said) if said else baseline(device)


class StrictDevice:
    """One device's datastores and operations; sessions are numbers, messages are bytes."""

    def __init__(self, name: str, *, confirmed_commit: bool = True) -> None:
        self.name = name
        self.schema = schema(name)
        self.faults = Faults()
        self.counters = Counters()
        self.requests: list[str] = []
        self.operations: set[str] = set()
        """What edits have asked for: merge where they say nothing else (RFC 6241 section 7.2)."""
        self.stores = Datastores(
            self.schema, baseline(name), lambda _: None, self.faults, self.counters, lambda: 0.0
        )
        self._operations = Operations(self.stores, NoState().state, self)
        self._loop = asyncio.new_event_loop()
        self._sessions = 0
        self.capabilities = [
            uri
            for uri in capabilities(self.schema, "1.1")
            if confirmed_commit or "confirmed-commit" not in uri
        ]

    @property
    def running(self) -> Container:
        return self.stores.running

    @property
    def text(self) -> bytes:
        return text(self.name, self.stores.running)

    def tree(self) -> dict[Path, str]:
        return tree(self.name, self.stores.running)

    def connect(self) -> int:
        self._sessions += 1
        return self._sessions

    def hang_up(self, session: int) -> None:
        self.stores.session_ended(session)

    def kill(self, session: int) -> bool:
        self.hang_up(session)
        return True

    def answer(self, session: int, message: bytes) -> bytes:
        rpc = parse(message)
        operation = rpc[0]
        self.requests.append(str(etree.QName(operation).localname))
        if self.requests[-1] == "edit-config":
            said = {element.get(f"{{{BASE}}}operation") for element in operation.iter()}
            self.operations |= {each or "merge" for each in said}
        try:
            body = self._loop.run_until_complete(self._operations.perform(session, operation))
        except RpcError as refusal:
            body = errors(self.schema, [refusal])
        except InvalidConfigurationError as refusals:
            body = errors(self.schema, refusals.errors)
        return reply(rpc, body)

    def hand(self, change: Tree) -> None:
        """Somebody types something in by hand."""
        self.become(merged_into(self.name, self.stores.running, change))

    def become(self, configuration: Container) -> None:
        """Make a configuration running without any session; refused if it is not valid."""
        self.stores._validator.check(configuration)
        self.stores._apply(0, configuration, "commit")

    def reset(self) -> None:
        self.stores.stop()
        self.faults.clear()
        if self.stores.running is not baseline(self.name):
            self.stores.candidate = self.stores.running
            self.stores._apply(0, baseline(self.name), "commit")
        self.counters.edits = self.counters.commits = 0
        self.counters.applied.clear()
        self.requests.clear()
        self.operations.clear()

    def close(self) -> None:
        self.stores.stop()
        self._loop.close()


class Wire:
    """Stands where the adapter has its SSH conversation; everything above it is the adapter."""

    def __init__(self, exchange: Exchange, device: str, offered: list[str]) -> None:
        self._exchange = exchange
        self._offered = offered
        self._number = 0
        self.device = device
        self.alive = True

    def offers(self, capability: str) -> bool:
        return any(capability in uri for uri in self._offered)

    def call(self, operation: etree._Element, timeout: float) -> str:
        self._number += 1
        rpc = etree.Element(f"{{{BASE}}}rpc", {"message-id": str(self._number)})
        rpc.append(operation)
        text = self._exchange(etree.tostring(rpc))
        answer = etree.fromstring(text)
        failures = [
            RpcFailure(
                error.findtext(f"{{{BASE}}}error-tag", ""),
                error.findtext(f"{{{BASE}}}error-path", ""),
                error.findtext(f"{{{BASE}}}error-message", ""),
                error.findtext(f"{{{BASE}}}error-info/{{{BASE}}}session-id", ""),
            )
            for error in answer.iterfind(f"{{{BASE}}}rpc-error")
        ]
        if failures:
            raise _refusal(failures, self.device)
        return text.decode().partition("?>")[2].strip() or text.decode()

    def data(self, operation: etree._Element, timeout: float) -> etree._Element:
        answer = etree.fromstring(self.call(operation, timeout))
        found = answer.find(f"{{{BASE}}}data")
        if found is None:
            raise ProtocolError("reply without data", device=self.device)
        return found

    def close(self) -> None:
        self.alive = False


def wired_session(wire: Wire) -> NetconfSession:
    """The adapter's own session, opened over ``wire`` instead of SSH."""
    endpoint = Endpoint(wire.device, PROFILES[wire.device], "127.0.0.1", 830)
    with (
        patch.object(session, "opened", lambda *_: (None, None)),
        patch.object(session, "Conversation", lambda *_: wire),
    ):
        return NetconfSession(endpoint, profile(wire.device), resolve)


class Network:
    """The strict devices by name, for the writer to open sessions to."""

    def __init__(self, *, confirmed_commit: bool = True) -> None:
        self.devices = {
            name: StrictDevice(name, confirmed_commit=confirmed_commit) for name in DEVICES
        }

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        found = self.devices[device]
        number = found.connect()
        wire = Wire(lambda message: found.answer(number, message), device, found.capabilities)
        try:
            opened = wired_session(wire)
            # Evidence kept thousands of times would prove nothing here.
            opened._capabilities -= {Capability.EVIDENCE}
            yield opened
        finally:
            found.hang_up(number)

    def reset(self) -> None:
        for device in self.devices.values():
            device.reset()

    def close(self) -> None:
        for device in self.devices.values():
            device.close()


def same(device: str, found: Container, expected: Container) -> None:
    """Fail with the differing paths when two configurations are not the same."""
    if found == expected:
        return
    shown, wanted = tree(device, found), tree(device, expected)
    differing = difference(shown, wanted)
    raise AssertionError(
        f"{device} differs from the oracle in {len(differing)} paths: "
        + "; ".join(f"{'/'.join(e.path)}: {e.before!r}, not {e.after!r}" for e in differing[:8])
    )
