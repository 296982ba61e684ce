"""What a listener may do to the gateway, and where the gateway may be made to go: nothing, nowhere.

Real sockets; only the name server is ours.
"""

import asyncio
import hashlib
import hmac
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from rom.events.callback import CallbackPolicy
from rom.events.sender import Outcome, Sender
from rom.model.errors import CallbackRefused
from rom.model.event_types import Api
from rom.store.event_tables import hub_subscription
from tests.integration.events.certificates import Authority

EVENT = {"eventId": "e1", "eventType": "ResourceOrderStateChangeEvent", "title": "Zürich"}
Reply = Callable[[socket.socket], None]


class RawServer:
    """Answers each connection with whatever bytes a test wants, and counts connections."""

    def __init__(self, reply: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._reply = reply
        self._listening = socket.create_server(("127.0.0.1", 0))
        if tls is not None:
            self._listening = tls.wrap_socket(self._listening, server_side=True)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            self.requests.append(whole_request(connection))
            try:
                self._reply(connection)
            except OSError:
                return


def whole_request(connection: socket.socket) -> bytes:
    """Return all of it: what is left unread at the end resets the connection."""
    with connection.makefile("rb") as stream:
        head = list(takewhile(lambda line: line != b"\r\n", stream))
        (length,) = [
            int(line.partition(b":")[2])
            for line in head
            if line.lower().startswith(b"content-length:")
        ]
        return b"".join([*head, b"\r\n", stream.read(length)])


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    with ExitStack() as stack:

        def make(reply: Reply, tls: ssl.SSLContext | None = None) -> RawServer:
            server = RawServer(reply, tls)
            stack.callback(server.close)
            return server

        yield make


def say(text: str) -> Reply:
    return lambda connection: connection.sendall(text.encode())


def endless(head: str, *, pause: float = 0.0) -> Reply:
    def reply(connection: socket.socket) -> None:
        connection.sendall(head.encode())
        while True:
            connection.sendall(b"x" * (65536 if not pause else 1))
            time.sleep(pause)

    return reply


def send(
    callback: str,
    *,
    seconds: float = 5.0,
    policy: CallbackPolicy | None = None,
    trusted: Path | None = None,
) -> Outcome:
    async def scene() -> Outcome:
        allowed = policy or CallbackPolicy("127.0.0.0/8", http=True)
        tls = ssl.create_default_context(cafile=trusted)
        sender = Sender(allowed, seconds=seconds, connections=1, tls=tls)
        try:
            return await sender.send(callback, EVENT)
        finally:
            await sender.close()

    return asyncio.run(scene())


NO_CONTENT = "HTTP/1.1 204 No Content\r\n\r\n"
HUGE = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content"])
def test_any_2xx_is_success(serve: Any, status: str) -> None:
    server = serve(say(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))
    assert send(f"http://127.0.0.1:{server.port}/").taken


def test_a_redirect_is_a_failure_and_not_followed(serve: Any) -> None:
    elsewhere = serve(say(NO_CONTENT))
    location = f"http://127.0.0.1:{elsewhere.port}/secret"
    server = serve(say(f"HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
    assert send(f"http://127.0.0.1:{server.port}/").error == "answered 307"
    assert elsewhere.connections == 0


def test_the_answer_of_a_name_server_is_used_as_checked_and_asked_for_once(serve: Any) -> None:
    """DNS rebinding: the second answer would lead elsewhere, so there is no second question."""
    server = serve(say(NO_CONTENT))
    answers = [["127.0.0.1"], ["127.0.0.9"]]
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    policy = CallbackPolicy("127.0.0.1/32", http=True, resolver=rebinding)
    assert send(f"http://som.example.net:{server.port}/events", policy=policy).taken
    assert asked == ["som.example.net"]
    head = server.requests[0].decode()
    assert head.startswith("POST /events HTTP/1.1\r\n")
    assert f"Host: som.example.net:{server.port}\r\n" in head
    # The next event asks again, and what has changed by then is refused without a connection.
    refused = send(f"http://som.example.net:{server.port}/events", policy=policy)
    assert "not allowed" in refused.error
    assert server.connections == 1


@pytest.fixture
def at_loopback() -> CallbackPolicy:
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    return CallbackPolicy("127.0.0.1/32", http=False, resolver=resolver)


def test_a_listeners_certificate_is_that_of_its_name_not_of_the_address_connected_to(
    serve: Any, at_loopback: CallbackPolicy, tmp_path: Path
) -> None:
    authority = Authority(tmp_path, "trusted")
    context = authority.server("som.example.net")
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    server = serve(say(NO_CONTENT), context)
    callback = f"https://som.example.net:{server.port}/events"
    outcome = send(callback, policy=at_loopback, trusted=authority.certificate)
    assert (outcome.error, asked) == ("", ["som.example.net"])
    assert b"POST /events" in server.requests[0]


@pytest.mark.parametrize(("signer", "name"), [("trusted", "other.example.net"), ("unknown", "")])
def test_a_listener_without_a_trusted_certificate_of_its_name_gets_nothing(
    serve: Any, at_loopback: CallbackPolicy, tmp_path: Path, signer: str, name: str
) -> None:
    authorities = {each: Authority(tmp_path, each) for each in ("trusted", "unknown")}
    server = serve(say(NO_CONTENT), authorities[signer].server(name or "som.example.net"))
    callback = f"https://som.example.net:{server.port}/events"
    outcome = send(callback, policy=at_loopback, trusted=authorities["trusted"].certificate)
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.error
    assert server.requests == []


def test_an_address_that_is_not_allowed_gets_no_connection(serve: Any) -> None:
    server = serve(say(NO_CONTENT))
    policy = CallbackPolicy("10.0.0.0/8", http=True)
    assert "not allowed" in send(f"http://127.0.0.1:{server.port}/", policy=policy).error
    assert server.connections == 0


def test_a_huge_answer_is_not_read(serve: Any) -> None:
    server = serve(endless(HUGE))
    started = time.monotonic()
    assert send(f"http://127.0.0.1:{server.port}/").taken
    assert time.monotonic() - started < 4


def test_an_endless_slow_answer_ends_after_a_second(serve: Any) -> None:
    server = serve(endless(HUGE, pause=0.05))
    started = time.monotonic()
    assert send(f"http://127.0.0.1:{server.port}/", seconds=20).taken
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("head", ["", "HTTP/1.1 200 OK\r\nX-Endless: "])
def test_a_listener_that_never_finishes_its_head_is_left(serve: Any, head: str) -> None:
    server = serve(endless(head, pause=0.05) if head else lambda _: time.sleep(3))
    outcome = send(f"http://127.0.0.1:{server.port}/", seconds=0.5)
    assert outcome.error == "no answer within 0.5 seconds"


def test_what_is_no_http_is_a_failure(serve: Any) -> None:
    server = serve(say("SSH-2.0-OpenSSH_9.9\r\n"))
    assert "RemoteProtocolError" in send(f"http://127.0.0.1:{server.port}/").error


def test_a_signature_can_be_verified_by_whoever_has_the_secret(
    gateway: Any, receiver: Any, tell: Any
) -> None:
    found = receiver()
    with gateway() as events:
        secret = "a secret of the listener"
        listener = events.listeners.subscribe(Api.ORDERING, found.callback, "", secret)
        assert secret not in str(listener)
        assert secret not in str(events.listeners.find(listener["id"]))
        tell("RO-1", 0)
        found.wait(lambda found: len(found.taken) == 1)
    taken = found.taken[0]
    timestamp = taken.headers["X-ROM-Timestamp"]
    text = timestamp.encode() + b"." + taken.body
    expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    assert taken.headers["X-ROM-Signature"] == f"v1={expected}"
    assert abs(time.time() - int(timestamp)) < 60
    assert SecretStr(secret).get_secret_value() not in repr(taken.headers)


def test_a_secret_is_sealed_at_rest(engine: Any, gateway: Any) -> None:
    with gateway() as events:
        events.listeners.subscribe(Api.ORDERING, "http://127.0.0.1:1/", "", "s" * 20)
    with engine.connect() as connection:
        (row,) = connection.execute(hub_subscription.select()).all()
    assert b"s" * 20 not in bytes(row.sealed_secret)


@pytest.mark.parametrize(
    ("callback", "options"),
    [
        ("http://10.0.0.1/", {}),
        ("http://127.0.0.1/", {"callback_allow": ""}),
        ("http://127.0.0.1/", {"callback_http": False}),
        ("http://169.254.169.254/latest/meta-data", {"callback_allow": "0.0.0.0/0"}),
    ],
)
def test_a_callback_that_is_not_allowed_cannot_be_registered(
    gateway: Any, callback: str, options: dict[str, Any]
) -> None:
    with gateway(**options) as events, pytest.raises(CallbackRefused):
        events.listeners.subscribe(Api.ORDERING, callback, "", None)
