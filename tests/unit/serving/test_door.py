"""What the gateway's socket takes for an HTTP request, told byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.serving.door import HEAD_BYTES, Door
from tests.unit.api.conftest import Limits, Twin

GET = b"GET /healthz HTTP/1.1\r\nHost: rom\r\n"
POST = (
    b"POST /tmf-api/resourceOrdering/v4/resourceOrder HTTP/1.1\r\nHost: rom\r\n"
    b"Content-Type: application/json\r\n"
)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Story:
    """A server with the gateway's twin behind it, and connections to it."""

    def __init__(self, port: int, twin: Twin) -> None:
        self.port = port
        self.twin = twin
        self._open: list[asyncio.StreamWriter] = []

    async def connect(self) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._open.append(writer)
        return reader, writer

    async def said(self, *parts: bytes) -> bytes:
        """Send ``parts`` over one connection, return all that comes until it is closed."""
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part)
            await writer.drain()
        try:
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:  # closed with bytes unread
            return b""

    async def close(self) -> None:
        for writer in self._open:
            writer.close()


@cache
def application() -> tuple[FastAPI, Twin]:
    """Making it takes longer than any story."""
    twin = Twin()
    return create_app(twin.gateway(), Limits()), twin


@asynccontextmanager
async def served(**bounds: Any) -> AsyncIterator[Story]:
    app, twin = application()
    twin.orders.clear()
    protocol = type("Bounded", (Door,), bounds)
    config = uvicorn.Config(
        app, http=protocol, ws="none", lifespan="off",
        log_config=None, access_log=False, port=0, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    story = Story(server.servers[0].sockets[0].getsockname()[1], twin)
    try:
        yield story
    finally:
        await story.close()
        await server.shutdown()


def tell(story: Callable[[Story], Awaitable[Any]], **bounds: Any) -> Any:
    async def told() -> Any:
        async with served(**bounds) as server:
            return await story(server)

    return asyncio.run(told())


def answered(raw: bytes, *others: bytes, **bounds: Any) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of the only answer to these bytes."""
    answer = tell(lambda server: server.said(raw, *others), **bounds)
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    ("raw", "in_reason"),
    [
        (
            POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "both Content-Length and Transfer-Encoding",
        ),
        (
            POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
            "both Content-Length and Transfer-Encoding",
        ),
        (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", "request:"),
        (POST + b"Content-Length: 2, 3\r\n\r\n{} ", "request:"),
        (POST + b"Content-Length: +2\r\n\r\n{}", "request:"),
        (POST + b"Content-Length : 2\r\n\r\n{}", "request:"),
        (GET + b"X-Folded: a\r\n b\r\n\r\n", "folded"),
        (GET + b"X-Folded: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", "folded"),
        (GET + b"X-Bare: a\rb\r\n\r\n", "request:"),
        (GET + b"X-Bare: a\r\r\n\r\n", "request:"),
        (GET + b"X-Bare: a\nX-Next: b\r\n\r\n", "CR LF"),
        (GET.replace(b"\r\n", b"\n") + b"\n", "CR LF"),
        (GET + b"X-Nul: a\0b\r\n\r\n", "request:"),
        (GET + b"X-Control: a\x0bb\r\n\r\n", "request:"),
        (b"GET /healthz\0 HTTP/1.1\r\nHost: rom\r\n\r\n", "request:"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", "request:"),
        (GET + b"Host: other\r\n\r\n", "request:"),
        (
            POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.0",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "request:"),
    ],
)
def test_framing_that_two_recipients_could_read_differently_is_refused(
    raw: bytes, in_reason: str
) -> None:
    status, body = answered(raw)
    assert status == 400
    assert in_reason in body["reason"]
    assert (body["code"], body["@type"]) == ("malformedRequest", "Error")


def test_a_transfer_coding_that_is_not_known_is_no_length() -> None:
    status, _ = answered(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n")
    assert status == 501


def test_what_follows_a_refused_request_is_no_request() -> None:
    hidden = POST + b"Content-Length: 2\r\n\r\n{}"
    both = POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def story(server: Story) -> tuple[bytes, int]:
        return await server.said(both + b"0\r\n\r\n" + hidden), len(server.twin.orders)

    answer, orders = tell(story)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert orders == 0


@pytest.mark.parametrize(
    "raw",
    [
        GET + b"Connection: close\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\n\r\n",
        GET + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
        GET + b"X-Latin: caf\xe9\r\nConnection: close\r\n\r\n",
        GET + b"\r\n" + GET + b"Connection: close\r\n\r\n",
    ],
)
def test_well_framed_requests_are_served(raw: bytes) -> None:
    answer = tell(lambda server: server.said(raw))
    assert answer.count(b"HTTP/1.1 200 ") == raw.count(b"GET ")


@pytest.mark.parametrize("together", [True, False])
def test_headers_have_a_largest_size_however_they_come(together: bool) -> None:  # noqa: FBT001
    raw = GET + b"X-Long: " + HEAD_BYTES * b"x" + b"\r\n\r\n"
    parts = [raw] if together else [raw[:9000], raw[9000:]]
    assert answered(*parts)[0] == 431


def test_headers_that_do_not_end_are_given_up() -> None:
    status, body = answered(GET, head_seconds=0.1)
    assert status == 408
    assert "headers" in body["reason"]


def test_headers_that_drip_have_no_more_time_than_others() -> None:
    async def story(server: Story) -> bytes:
        reader, writer = await server.connect()
        dripping = asyncio.create_task(_drip(writer))
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            dripping.cancel()

    assert tell(story, head_seconds=0.3).startswith(b"HTTP/1.1 408 ")


async def _drip(writer: asyncio.StreamWriter) -> None:
    for byte in GET + b"X-Slow: " + 1000 * b"x":
        writer.write(bytes([byte]))
        await asyncio.sleep(0.02)


def test_headers_of_a_second_request_have_a_limit_too() -> None:
    async def story(server: Story) -> bytes:
        return await server.said(GET + b"\r\n" + GET)

    answer = tell(story, head_seconds=0.2)
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert answer.count(b"HTTP/1.1 ") in (1, 2)  # the pause between two requests may end it first


def test_a_body_that_nobody_reads_does_not_hold_the_connection() -> None:
    async def story(server: Story) -> bytes:
        reader, writer = await server.connect()
        writer.write(GET + b"Content-Length: 100000\r\n\r\n")
        dripping = asyncio.create_task(_drip(writer))
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            dripping.cancel()

    assert tell(story, head_seconds=0.3).startswith(b"HTTP/1.1 200 ")


def test_a_connection_that_says_nothing_is_closed() -> None:
    assert tell(lambda server: server.said(), head_seconds=0.1) == b""


def test_one_address_has_only_so_many_connections_and_gets_its_place_back() -> None:
    async def story(server: Story) -> tuple[bytes, bytes]:
        kept = [await server.connect() for _ in range(3)]
        for _, writer in kept:
            writer.write(GET + b"\r\n")
        for reader, _ in kept:
            await reader.readuntil(b"\r\n\r\n")
        refused = await server.said()
        kept[0][1].close()
        await kept[0][1].wait_closed()
        while True:
            served = await server.said(GET + b"Connection: close\r\n\r\n")
            if b" 503 " not in served:
                return refused, served
            await asyncio.sleep(0.01)

    refused, served = tell(story, most_of_address=3)
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in refused.lower()
    assert b"tooManyConnections" in refused
    assert served.startswith(b"HTTP/1.1 200 ")


def test_there_are_only_so_many_connections_in_all() -> None:
    async def story(server: Story) -> bytes:
        await server.connect()
        reader, writer = await server.connect()
        writer.write(GET + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        return await server.said()

    assert tell(story, most=2).startswith(b"HTTP/1.1 503 ")


def test_a_body_that_turns_out_malformed_ends_its_request_without_a_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(server: Story) -> tuple[bytes, int]:
        reader, writer = await server.connect()
        writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
        await writer.drain()
        writer.write(b"zz\r\n")
        return await asyncio.wait_for(reader.read(), 10), len(server.twin.orders)

    answer, orders = tell(story)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert orders == 0
    assert "Traceback" not in caplog.text


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(server: Story) -> None:
        _, writer = await server.connect()
        writer.write(POST + b"Content-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    tell(story)
    assert "Exception in ASGI" not in caplog.text
