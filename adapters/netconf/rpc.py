"""One remote procedure call at a time: request element out, checked reply in."""

from dataclasses import dataclass

from lxml import etree
from ncclient.devices.default import DefaultDeviceHandler
from ncclient.operations.rpc import RPC, RaiseMode, RPCReply

from adapters.errors import (
    AdapterError,
    DeviceTimeout,
    LockDenied,
    ProtocolError,
    Refused,
    SessionLost,
)
from adapters.faults.netconf import ncclient_errors
from adapters.netconf.transport import DirectSession

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
_WORDS = 2000
"""Characters of a device's own words that are kept."""


@dataclass(frozen=True, slots=True)
class RpcFailure:
    """One rpc-error of severity error (RFC 6241 section 4.3)."""

    tag: str
    path: str
    message: str
    holder: str = ""


class _Call(RPC):  # type: ignore[misc]  # ncclient has no types
    def request(self, operation: etree._Element) -> RPCReply:
        """Send ``operation`` and wait for its reply."""
        return self._request(operation)


class Conversation:
    """Calls over one session. After a lost or late reply the session is closed: what comes next
    on it could be the answer to something else.
    """

    def __init__(self, session: DirectSession, handler: DefaultDeviceHandler, device: str) -> None:
        self._session = session
        self._handler = handler
        self.device = device

    @property
    def alive(self) -> bool:
        """Whether calls can still be made."""
        transport = self._session.transport
        return bool(
            self._session.connected
            and self._session.is_alive()
            and transport is not None
            and transport.is_active()
        )

    def offers(self, capability: str) -> bool:
        """Tell whether the device's hello had ``capability``, such as ``:candidate``."""
        return capability in self._session.server_capabilities

    @property
    def announced(self) -> frozenset[str]:
        """The capabilities of the device's hello as they stand there."""
        return frozenset(str(each) for each in self._session.server_capabilities)

    def call(self, operation: etree._Element, timeout: float) -> None:
        """Have something done: only ``ok`` says that it was (RFC 6241 section 4.4).

        Warnings are no errors; ``timeout`` is in seconds. Raises Refused with every rpc-error's
        words, LockDenied when somebody holds the datastore, DeviceTimeout, SessionLost, and
        ProtocolError for a reply that says neither.
        """
        self._part(operation, timeout, "ok")

    def data(self, operation: etree._Element, timeout: float) -> etree._Element:
        """Return the ``data`` element of the reply (section 4.2), as ``call`` otherwise."""
        return self._part(operation, timeout, "data")

    def _part(self, operation: etree._Element, timeout: float, name: str) -> etree._Element:
        """Return the part of the reply that says that all is well."""
        rpc = _Call(self._session, self._handler, timeout=timeout, raise_mode=RaiseMode.NONE)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        try:
            with ncclient_errors(self.device):
                reply = etree.fromstring(rpc.request(operation).xml.encode(), parser)
                failures = [_failure(each) for each in _errors(reply)]
                found = reply.find(f"{{{BASE}}}{name}")
                if found is None and not failures:
                    message = f"a reply without {name}"
                    raise ProtocolError(message, device=self.device)
        except (DeviceTimeout, SessionLost, ProtocolError):
            self.close()
            raise
        if failures or found is None:
            raise _refusal(failures, self.device)
        return found

    def close(self) -> None:
        """End the session without another word; safe to call twice."""
        transport = self._session.transport
        self._session._closing.set()
        if transport is not None:
            transport.close()


def _errors(reply: etree._Element) -> list[etree._Element]:
    """Return the reply's rpc-errors, whatever namespace a server puts them in, but no warnings."""
    found = list(reply.iterchildren("{*}rpc-error"))
    return [each for each in found if _text(each, "error-severity") != "warning"]


def _failure(error: etree._Element) -> RpcFailure:
    return RpcFailure(
        _text(error, "error-tag") or "operation-failed",
        _text(error, "error-path"),
        " ".join(_text(error, "error-message").split())[:_WORDS],
        _text(error, "error-info/{*}session-id"),
    )


def _text(error: etree._Element, path: str) -> str:
    return (error.findtext("{*}" + path) or "").strip()


def _refusal(failures: list[RpcFailure], device: str) -> AdapterError:
    first = failures[0]
    message = "; ".join(failure.message for failure in failures)
    # In use without a path: somebody holds the datastore, not somebody refers to the node.
    if first.tag == "lock-denied" or (first.tag == "in-use" and not first.path):
        return LockDenied(message or first.tag, device=device, holder=first.holder)
    return Refused(message, device=device, tag=first.tag, path=first.path)
