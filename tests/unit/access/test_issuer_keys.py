"""The issuer's keys: fetched when needed, never too often, never too much."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.access.issuer_keys import (
    FLOOR_SECONDS,
    MAX_AGE_SECONDS,
    MAX_BYTES,
    IssuerKeys,
    KeysUnreachable,
)
from tests.unit.access.issuer import Keys


class Clock:
    """A clock that stands still until told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Issuer(ThreadingHTTPServer):
    """Serves whatever ``body`` holds and counts."""

    body = b"{}"
    status = 200
    fetches = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/keys"


class Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        self.server.fetches += 1
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def issuer(keys: Keys) -> Iterator[Issuer]:
    with Issuer(("127.0.0.1", 0), Handler) as server:
        server.body = json.dumps(keys.jwks()).encode()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def found(keys: IssuerKeys, kid: str | None, algorithm: str = "RS256") -> bool:
    return asyncio.run(keys.find(kid, algorithm)) is not None


def refused(keys: IssuerKeys) -> None:
    with pytest.raises(KeysUnreachable):
        found(keys, "rsa")


def renamed(keys: Keys, kid: str) -> bytes:
    return json.dumps({"keys": [keys.jwks()["keys"][0] | {"kid": kid}]}).encode()


def test_keys_are_fetched_once_and_kept(issuer: Issuer) -> None:
    known = IssuerKeys(issuer.url, Clock())
    assert [found(known, "rsa") for _ in range(5)] == [True] * 5
    assert issuer.fetches == 1


def test_an_unknown_key_makes_it_look_again_but_not_more_often_than_the_floor(
    issuer: Issuer, keys: Keys
) -> None:
    clock = Clock()
    known = IssuerKeys(issuer.url, clock)
    assert found(known, "rsa")
    issuer.body = renamed(keys, "next")
    assert not any(found(known, f"guess-{n}") for n in range(20))
    assert issuer.fetches == 1
    clock.now += FLOOR_SECONDS
    assert found(known, "next")
    assert issuer.fetches == 2
    assert not found(known, "rsa")


def test_many_at_once_cause_one_fetch(issuer: Issuer) -> None:
    async def scene() -> list[bool]:
        known = IssuerKeys(issuer.url)
        keys = await asyncio.gather(*(known.find("rsa", "RS256") for _ in range(20)))
        return [key is not None for key in keys]

    assert all(asyncio.run(scene()))
    assert issuer.fetches == 1


def test_a_key_taken_back_is_forgotten_when_the_set_is_old(issuer: Issuer, keys: Keys) -> None:
    clock = Clock()
    known = IssuerKeys(issuer.url, clock)
    assert found(known, "rsa")
    issuer.body = renamed(keys, "next")
    clock.now += MAX_AGE_SECONDS + 1
    assert not found(known, "rsa")


def test_an_issuer_that_is_away_leaves_the_keys_known_in_use(issuer: Issuer) -> None:
    clock = Clock()
    known = IssuerKeys(issuer.url, clock)
    assert found(known, "rsa")
    issuer.status = 503
    clock.now += MAX_AGE_SECONDS + 1
    with capture_logs() as logs:
        assert found(known, "rsa")
    assert [line["event"] for line in logs] == ["issuer keys cannot be had"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"keys": {}}', b" " * (MAX_BYTES + 1)],
)
def test_an_answer_that_is_no_set_of_keys_lets_nobody_in(issuer: Issuer, body: bytes) -> None:
    issuer.body = body
    refused(IssuerKeys(issuer.url))


def test_a_set_without_a_usable_key_lets_nobody_in(issuer: Issuer) -> None:
    issuer.body = b'{"keys": [7, {}, {"kty": "RSA"}]}'
    assert not found(IssuerKeys(issuer.url), "rsa")


def test_redirects_are_not_followed(issuer: Issuer) -> None:
    issuer.status = 302
    refused(IssuerKeys(issuer.url))
    assert issuer.fetches == 1


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "RS512"},
        {"d": "AQAB"},
        {"kid": 7},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"n": "0vx7"},
    ],
)
def test_a_key_that_is_not_for_this_is_left_out(
    keys: Keys, tmp_path: Path, change: dict[str, Any]
) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [keys.jwks()["keys"][0] | change]}))
    assert not found(IssuerKeys(str(file)), "rsa")


def test_a_key_of_a_curve_signs_with_that_curve_only(keys: Keys, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(keys.jwks()))
    known = IssuerKeys(str(file))
    assert found(known, "ec", "ES256")
    assert not found(known, "ec", "ES384")
    assert not found(known, "ec", "RS256")


def test_a_file_that_is_not_there_lets_nobody_in(tmp_path: Path) -> None:
    refused(IssuerKeys(str(tmp_path / "none.json")))
