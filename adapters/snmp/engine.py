"""The SNMP engines of this process and the event loop they live on.

An engine takes 100 ms to make and knows what it learnt of each agent (identity, boots, time), so
all sessions share one. It keeps by address what it has learnt, for good; an agent that is another
one by now, or has lost count of its starts, is therefore asked by a next engine. pysnmp is
asynchronous: calls come from worker threads and are run on a background thread's loop.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from pyasn1.codec.ber import decoder  # type: ignore[import-untyped]  # the library has no types
from pyasn1.error import PyAsn1Error  # type: ignore[import-untyped]  # the library has no types
from pysnmp.hlapi.v3arch.asyncio import (
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    Udp6TransportTarget,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    set_cmd,
    usmAesCfb128Protocol,
    usmHMAC192SHA256AuthProtocol,
)
from pysnmp.proto import errind
from pysnmp.proto.api import v2c
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from adapters.errors import (
    AdapterError,
    AuthenticationFailed,
    DeviceTimeout,
    ProtocolError,
    Unreachable,
)
from adapters.faults.snmp import pysnmp_errors, refused
from device_profiles.snmp import SnmpValue, Varbind

Result = TypeVar("Result")
REPLY_SECONDS = 3
_RETRIES = 2
_UP_TIME = "1.3.6.1.2.1.1.3.0"
_GRACE = 5
_STALE = (errind.UnknownEngineID, errind.NotInTimeWindow)
"""What an agent says, or we find, when it is not the one that was met at its address before."""


def _element(tag: int, *parts: bytes) -> bytes:
    """Return a short BER element."""
    content = b"".join(parts)
    return bytes((tag, len(content))) + content


def _integer(value: int, length: int = 1) -> bytes:
    return _element(0x02, value.to_bytes(length, "big"))


_EMPTY = _element(0x04)
_DISCOVERY = _element(
    0x30,
    _integer(3),
    _element(0x30, _integer(1, 4), _integer(65507, 3), _element(0x04, b"\x04"), _integer(3)),
    _element(0x04, _element(0x30, _EMPTY, _integer(0), _integer(0), _EMPTY, _EMPTY, _EMPTY)),
    _element(
        0x30,
        _EMPTY,
        _EMPTY,
        _element(0xA0, _integer(1, 2), _integer(0), _integer(0), _element(0x30)),
    ),
)
"""An SNMPv3 GET without user or engine: any agent reports who it is (RFC 3414 section 4)."""


class _Loop:
    """An event loop on a daemon thread, with the engines that live on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="snmp", daemon=True).start()
        self._lock = threading.Lock()
        self._engines: dict[int, SnmpEngine] = {}
        self._met: dict[tuple[str, int], tuple[bytes, int]] = {}
        """By address: the agent that was met there last, and the number of its engine."""

    def engine_for(self, address: tuple[str, int], engine_id: bytes) -> SnmpEngine:
        """Return an engine that knows nothing of the address, or only this agent there."""
        with self._lock:
            known, number = self._met.get(address, (engine_id, 0))
            if known != engine_id:
                number += 1
            self._met[address] = (engine_id, number)
            if number not in self._engines:
                self._engines[number] = self.run(self._made(), 30)
            return self._engines[number]

    def forget(self, address: tuple[str, int]) -> None:
        """Have the next session ask the agent at an address as if it had never been met."""
        with self._lock:
            if address in self._met:
                self._met[address] = (b"", self._met[address][1])

    @staticmethod
    async def _made() -> SnmpEngine:
        return SnmpEngine()

    def run(self, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
        """Run ``work`` on the loop and return its result. Raises TimeoutError."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except TimeoutError:
            future.cancel()
            raise


@lru_cache(maxsize=1)
def _shared() -> _Loop:
    return _Loop()


class Agent:
    """One SNMPv3 agent with authentication by SHA-256 and privacy by AES-128 (RFC 7860, 3826)."""

    def __init__(
        self, device: str, address: tuple[str, int], user: str, authentication: str, privacy: str
    ) -> None:
        self._device = device
        self._address = address
        self._loop = _shared()
        # Users of one name have other keys on every agent, so each is tied to its agent's engine.
        engine_id = _engine_id(device, address)
        self._engine = self._loop.engine_for(address, engine_id)
        with pysnmp_errors(device):
            self._user = UsmUserData(
                user,
                authKey=authentication,
                privKey=privacy,
                authProtocol=usmHMAC192SHA256AuthProtocol,
                privProtocol=usmAesCfb128Protocol,
                securityEngineId=v2c.OctetString(engine_id),
            )
            self._without_privacy = UsmUserData(
                user, authKey=authentication, authProtocol=usmHMAC192SHA256AuthProtocol
            )

    def get(self, oids: Sequence[str]) -> dict[str, SnmpValue | None]:
        """Return the values of instances, ``None`` where the agent has none.

        Raises AuthenticationFailed for a wrong privacy password too, though the agent says nothing
        to what it cannot decrypt: it is silent, answers the same user without privacy, and is
        silent again. Once only could be an agent that has just come back.
        """
        names = [ObjectType(ObjectIdentity(oid)) for oid in oids]
        try:
            found = self._command(get_cmd, names, oids, _RETRIES)
        except DeviceTimeout:
            if not self._answers_without_privacy():
                raise
            found = self._told_apart(names, oids)
        return {oid: _plain(value) for oid, (_, value) in zip(oids, found, strict=True)}

    def set(self, bindings: Sequence[Varbind]) -> None:
        """Set all bindings or none (RFC 3416 section 4.2.5); never sent a second time.

        Raises EditRefused with the agent's error-status and the OID it is about.
        """
        values = [ObjectType(ObjectIdentity(b.oid), _typed(b)) for b in bindings]
        self._command(set_cmd, values, [b.oid for b in bindings], 0)

    def _command(
        self, command: Any, bindings: list[ObjectType], oids: Sequence[str], retries: int
    ) -> Sequence[tuple[Any, Any]]:
        seconds = REPLY_SECONDS * (retries + 1) + _GRACE
        with pysnmp_errors(self._device):
            indication, status, index, found = self._loop.run(
                self._call(command, bindings, retries), seconds
            )
            if indication is not None:
                if isinstance(indication, _STALE):
                    self._loop.forget(self._address)
                raise indication
        if status:
            at = oids[int(index) - 1] if 0 < int(index) <= len(oids) else ""
            raise refused(self._device, int(status), status.prettyPrint(), at)
        return list(found)

    def _told_apart(
        self, names: list[ObjectType], oids: Sequence[str]
    ) -> Sequence[tuple[Any, Any]]:
        try:
            return self._command(get_cmd, names, oids, _RETRIES)
        except DeviceTimeout as error:
            message = "SNMP: it knows the user, but not the privacy password"
            raise AuthenticationFailed(message, device=self._device) from error

    def _answers_without_privacy(self) -> bool:
        """Tell whether the agent answers the user, whatever it says, to a request in clear."""
        try:
            with pysnmp_errors(self._device):
                return self._loop.run(self._asked_without_privacy(), REPLY_SECONDS + _GRACE)
        except AdapterError:
            return False

    async def _asked_without_privacy(self) -> bool:
        # By an engine of its own: the other one knows the user with privacy.
        engine = SnmpEngine()
        try:
            up_time = ObjectType(ObjectIdentity(_UP_TIME))
            indication, *_ = await get_cmd(
                engine, self._without_privacy, await self._target(0), ContextData(), up_time,
                lookupMib=False,
            )  # fmt: skip
        finally:
            engine.close_dispatcher()
        # Some agents do not let a user with a privacy key ask without: they know it as well.
        return indication is None or isinstance(indication, errind.UnsupportedSecurityLevel)

    async def _target(self, retries: int) -> Any:
        kind = Udp6TransportTarget if ":" in self._address[0] else UdpTransportTarget
        return await kind.create(self._address, timeout=REPLY_SECONDS, retries=retries)

    async def _call(self, command: Any, bindings: list[ObjectType], retries: int) -> Any:
        target = await self._target(retries)
        return await command(
            self._engine, self._user, target, ContextData(), *bindings, lookupMib=False
        )


def _engine_id(device: str, address: tuple[str, int]) -> bytes:
    """Ask the agent who it is (RFC 3414 section 4); needs no user.

    Raises Unreachable when the port is closed, DeviceTimeout when nothing answers.
    """
    try:
        family = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0][0]
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.settimeout(REPLY_SECONDS)
            udp.connect(address)
            for attempt in range(_RETRIES + 1):
                udp.send(_DISCOVERY)
                try:
                    return _reported_engine(device, udp.recv(65535))
                except TimeoutError:
                    if attempt == _RETRIES:
                        raise
    except TimeoutError as error:
        raise DeviceTimeout("no SNMP answer", device=device) from error
    except OSError as error:
        raise Unreachable(f"SNMP: {error.strerror or error}", device=device) from error
    raise DeviceTimeout("no SNMP answer", device=device)


def _reported_engine(device: str, data: bytes) -> bytes:
    try:
        message, _ = decoder.decode(data, asn1Spec=SNMPv3Message())
        parameters, _ = decoder.decode(
            message["msgSecurityParameters"].asOctets(), asn1Spec=UsmSecurityParameters()
        )
        return bytes(parameters["msgAuthoritativeEngineId"].asOctets())
    except (PyAsn1Error, KeyError, IndexError) as error:
        raise ProtocolError("unreadable SNMP answer", device=device) from error


def _plain(value: Any) -> SnmpValue | None:
    if isinstance(value, (NoSuchObject, NoSuchInstance, EndOfMibView)):
        return None
    if isinstance(value, v2c.OctetString):
        return bytes(value.asOctets())
    if isinstance(value, v2c.ObjectIdentifier):
        return str(value.prettyPrint())
    return int(value)


def _typed(binding: Varbind) -> Any:
    match binding.syntax:
        case "integer":
            return v2c.Integer32(binding.value)
        case "oid":
            return v2c.ObjectIdentifier(binding.value)
        case "octets" | "transport-address":
            return v2c.OctetString(binding.value)
