import json
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from api.som.listener import Listener


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        yield made


def post(url: str, body: bytes) -> int:
    return httpx.post(url, content=body, trust_env=False).status_code


def event(name: str) -> bytes:
    return json.dumps({"eventId": name}).encode()


def test_an_event_that_comes_twice_is_told_once(listener: Listener) -> None:
    for name in ("a", "a", "b"):
        assert post(listener.callback, event(name)) == 204
    assert listener.next(5) == {"eventId": "a"}
    assert listener.next(5) == {"eventId": "b"}
    assert listener.next(0) is None


def test_who_does_not_know_the_address_is_not_believed(listener: Listener) -> None:
    guess = listener.callback.rpartition("/")[0] + "/guess"
    assert post(guess, event("a")) == 404
    assert listener.next(0) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"eventId": 1}'])
def test_what_is_no_notification_is_refused(listener: Listener, body: bytes) -> None:
    assert post(listener.callback, body) == 400
    assert listener.next(0) is None


def test_an_endless_notification_is_not_read(listener: Listener) -> None:
    url = urlsplit(listener.callback)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=30)
    connection.putrequest("POST", url.path)
    connection.putheader("Content-Length", str(2**40))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
