"""One NETCONF session: hello, then one rpc after the other (RFC 6241 section 4, RFC 6242)."""

from collections.abc import AsyncIterator

import asyncssh
from lxml import etree

from mock_devices.netconf.errors import InvalidConfigurationError, RpcError
from mock_devices.netconf.faults import Faults
from mock_devices.netconf.framing import FrameReader, FramingError, framed
from mock_devices.netconf.markup import BASE, parse
from mock_devices.netconf.messages import BASE_1_0, BASE_1_1, Body, errors, hello, literal, reply
from mock_devices.netconf.operations import Operations
from mock_devices.netconf.schema import Schema

Process = asyncssh.SSHServerProcess[bytes]
"""Bytes in, bytes out: the SSH channel of one netconf subsystem."""


class MalformedMessageError(Exception):
    """What came is no NETCONF; the session ends."""


class Session:
    """Serves one client until it leaves, errs in the protocol or is cut off."""

    def __init__(
        self,
        number: int,
        process: Process,
        schema: Schema,
        operations: Operations,
        faults: Faults,
        announced: list[str],
    ) -> None:
        self.number = number
        self._process = process
        self._schema = schema
        self._operations = operations
        self._faults = faults
        self._announced = announced
        self._reader = FrameReader()
        self._chunked = False

    def cut(self) -> None:
        """Drop the connection without a word."""
        self._process.get_extra_info("connection").abort()

    async def run(self) -> None:
        """Serve; returns when the session is over, whatever ended it."""
        try:
            await self._send(hello(self._announced, self.number))
            messages = self._messages()
            async for message in messages:
                self._greeted(message)
                break
            async for message in messages:
                if not await self._answer(message):
                    break
        except (MalformedMessageError, FramingError):
            self.cut()
        except (asyncssh.Error, OSError):
            return
        self._process.exit(0)

    async def _messages(self) -> AsyncIterator[bytes]:
        while data := await self._process.stdin.read(65536):
            for message in self._reader.feed(data):
                yield message

    async def _send(self, message: bytes) -> None:
        message = self._faults.before_messages + message
        size = self._faults.chunk_octets
        self._process.stdout.write(framed(message, chunked=self._chunked, size=size))
        await self._process.stdout.drain()

    def _greeted(self, message: bytes) -> None:
        root = _parsed(message)
        given = {(item.text or "").strip() for item in root.iter(f"{{{BASE}}}capability")}
        if root.tag != f"{{{BASE}}}hello" or root.find(f"{{{BASE}}}session-id") is not None:
            raise MalformedMessageError("hello expected")
        common = given & set(self._announced) & {BASE_1_0, BASE_1_1}
        if not common:
            raise MalformedMessageError("no base version in common")
        self._chunked = self._reader.chunked = BASE_1_1 in common

    async def _answer(self, message: bytes) -> bool:
        """Answer one message; false when the session is to end."""
        rpc = _parsed(message)
        if rpc.tag != f"{{{BASE}}}rpc":
            raise MalformedMessageError("rpc expected")
        operation = next(rpc.iterchildren(tag=etree.Element), None)
        name = "" if operation is None else str(etree.QName(operation).localname)
        if self._faults.strikes(name, "before"):
            self.cut()
            return False
        try:
            body = await self._perform(rpc, operation)
        except RpcError as refusal:
            body, name = errors(self._schema, [refusal]), ""
        except InvalidConfigurationError as refusals:
            body, name = errors(self._schema, refusals.errors), ""
        if self._faults.strikes(name, "after"):
            self.cut()
            return False
        said = self._faults.said_of(name)
        await self._send(reply(rpc, body if said is None else literal(said)))
        return name != "close-session"

    async def _perform(self, rpc: etree._Element, operation: etree._Element | None) -> Body:
        if rpc.get("message-id") is None:
            raise RpcError(
                "missing-attribute",
                "rpc needs a message-id",
                kind="rpc",
                info={"bad-attribute": "message-id", "bad-element": "rpc"},
            )
        if operation is None:
            raise RpcError("missing-element", "rpc holds no operation", kind="rpc")
        return await self._operations.perform(self.number, operation)


def _parsed(message: bytes) -> etree._Element:
    try:
        return parse(message.strip())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedMessageError(str(error)) from error
