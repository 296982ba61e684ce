"""The SNMPv3 agent: pysnmp's engine (USM, VACM) over our own MIB."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp
from pysnmp.entity.rfc3413.context import SnmpContext
from pysnmp.proto import errind, rfc1902, rfc1905
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.secmod.rfc3414.service import SnmpUSMSecurityModel
from pysnmp.smi import error
from pysnmp.smi.instrum import AbstractMibInstrumController

from mock_devices.ce.snmp_tables import Interface, Memory, Oid, SystemGroup, Writer, objects
from mock_devices.ce.snmp_writing import WriteRequest, apply

_AUTHENTICATION = {
    "sha": config.USM_AUTH_HMAC96_SHA,
    "256": config.USM_AUTH_HMAC192_SHA256,
    "384": config.USM_AUTH_HMAC256_SHA384,
    "512": config.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY = {
    "128": config.USM_PRIV_CFB128_AES,
    "192": config.USM_PRIV_CFB192_AES,
    "256": config.USM_PRIV_CFB256_AES,
}
_SNMPV3 = 3
_EVERYTHING: Oid = (1,)
_TREES: dict[str, Oid] = {"iso": (1,), "internet": (1, 3, 6, 1), "mib-2": (1, 3, 6, 1, 2, 1)}


@dataclass(frozen=True, slots=True)
class SnmpUser:
    """A user of the agent as ``snmp-server user`` made it, with the views of its group."""

    name: str
    group: str
    algorithm: str
    key_bits: str
    authentication: str = field(repr=False)
    privacy: str = field(repr=False)
    read_tree: str = ""
    write_tree: str = ""


@dataclass(frozen=True, slots=True)
class ManagedState:
    """Where the agent finds what it shows and where writes go."""

    system: Callable[[], SystemGroup]
    interfaces: Callable[[], dict[int, Interface]]
    memory: Memory
    write_scalar: Writer
    written: Callable[[], None]
    """Called after a successful SET, to keep the memory."""


class _Instrumentation(AbstractMibInstrumController):  # type: ignore[misc]  # pysnmp is untyped
    """Answers pysnmp's command responders from the router's state."""

    def __init__(self, state: ManagedState) -> None:
        self._state = state

    def _objects(self) -> dict[Oid, object]:
        state = self._state
        return objects(state.system(), state.interfaces(), state.memory)

    def read_variables(self, *variables: Any, **context: Any) -> list[Any]:
        """Answer a GET."""
        known = self._objects()
        result = []
        for place, (name, value) in enumerate(variables):
            oid = tuple(name)
            hidden = context["acFun"]("read", (name, value), idx=place, **_engine(context))
            found = None if hidden else known.get(oid)
            result.append((name, rfc1905.noSuchInstance if found is None else found))
        return result

    def read_next_variables(self, *variables: Any, **context: Any) -> list[Any]:
        """Answer a GETNEXT or one step of a GETBULK."""
        known = self._objects()
        order = sorted(known)
        result = []
        for place, (name, value) in enumerate(variables):
            for oid in (oid for oid in order if oid > tuple(name)):
                following = rfc1902.ObjectName(oid)
                if not context["acFun"]("read", (following, value), idx=place, **_engine(context)):
                    result.append((following, known[oid]))
                    break
            else:
                result.append((name, rfc1905.endOfMibView))
        return result

    def write_variables(self, *variables: Any, **context: Any) -> list[Any]:
        """Carry out a SET: all variables or none."""
        for place, (name, value) in enumerate(variables):
            if context["acFun"]("write", (name, value), idx=place, **_engine(context)):
                raise error.NoAccessError(name=name, idx=place)
        state = self._state
        request = WriteRequest(state.memory, state.interfaces(), state.write_scalar)
        apply(request, [(tuple(name), value) for name, value in variables])
        state.written()
        return list(variables)


def _engine(context: dict[str, Any]) -> dict[str, Any]:
    return {"snmpEngine": context["snmpEngine"]}


class _Users(SnmpUSMSecurityModel):  # type: ignore[misc]  # the library has no types
    """Says nothing to what it decrypts to nonsense, as net-snmp does.

    AES has no check of its own (RFC 3826), so a wrong privacy key is a message that cannot be
    parsed, and that is dropped without a report (RFC 3412 section 7.2).
    """

    def process_incoming_message(self, *arguments: Any) -> Any:
        try:
            return super().process_incoming_message(*arguments)
        except StatusInformation as status:
            if status["errorIndication"] != errind.decryptionError:
                raise
            raise StatusInformation(errorIndication=errind.parseError) from status


class SnmpAgent:
    """An agent on one UDP port; ``engine_id`` is hexadecimal and stays the same for a device."""

    def __init__(self, engine_id: str, state: ManagedState) -> None:
        self.engine_id = engine_id
        self._state = state
        self._engine: Any = None
        self._users: tuple[SnmpUser, ...] = ()
        self._responders: list[Any] = []

    @property
    def listening(self) -> bool:
        """Tell whether requests are answered."""
        return self._engine is not None

    @property
    def users(self) -> tuple[SnmpUser, ...]:
        """The users that the running agent knows."""
        return self._users

    async def open(self, host: str, port: int, users: tuple[SnmpUser, ...], boots: int) -> None:
        """Listen and answer these users. Raises OSError when the address is taken."""
        engine = SnmpEngine(rfc1902.OctetString(hexValue=self.engine_id))
        engine.security_models[SnmpUSMSecurityModel.SECURITY_MODEL_ID] = _Users()
        (counter,) = engine.get_mib_builder().import_symbols(
            "__SNMP-FRAMEWORK-MIB", "snmpEngineBoots"
        )
        counter.syntax = counter.syntax.clone(max(1, boots))
        transport = udp.UdpTransport().open_server_mode((host, port))
        config.add_transport(engine, udp.DOMAIN_NAME, transport)
        await transport._lport
        for user in users:
            _add_user(engine, user)
        context = SnmpContext(engine)
        context.unregister_context_name(b"")
        context.register_context_name(b"", _Instrumentation(self._state))
        self._responders = [
            responder(engine, context)
            for responder in (
                cmdrsp.GetCommandResponder,
                cmdrsp.NextCommandResponder,
                cmdrsp.BulkCommandResponder,
                cmdrsp.SetCommandResponder,
            )
        ]
        self._engine, self._users = engine, users

    def close(self) -> None:
        """Stop answering; safe to call twice."""
        engine, self._engine, self._users = self._engine, None, ()
        if engine is None:
            return
        for responder in self._responders:
            responder.close(engine)
        self._responders = []
        engine.close_dispatcher()


def _add_user(engine: Any, user: SnmpUser) -> None:
    config.add_v3_user(
        engine,
        user.name,
        _AUTHENTICATION[user.algorithm],
        user.authentication,
        _PRIVACY[user.key_bits],
        user.privacy,
    )
    _grant(engine, user)


def _grant(engine: Any, user: SnmpUser) -> None:
    group, read, write = (f"{kind}-{user.name}" for kind in ("group", "read", "write"))
    config.add_context(engine, b"")
    config.add_vacm_group(engine, group, _SNMPV3, user.name)
    config.add_vacm_access(engine, group, b"", _SNMPV3, "authPriv", "exact", read, write, "notify")
    for view, tree in ((read, user.read_tree), (write, user.write_tree)):
        # pysnmp 7.1 lets everything through a view without entries, so a closed one is said so.
        kind = "included" if tree in _TREES else "excluded"
        config.add_vacm_view(engine, view, kind, _TREES.get(tree, _EVERYTHING), b"")
