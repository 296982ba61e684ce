"""Posts one notification to one listener: pinned address, no redirects, bounded time and answer."""

import asyncio
import hmac
import json
import ssl
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx
from pydantic import SecretStr

from rom.events.callback import CallbackPolicy
from rom.model.errors import CallbackRefused

SIGNATURE = "X-ROM-Signature"
TIMESTAMP = "X-ROM-Timestamp"
_MAX_ANSWER = 16 * 1024
_DRAIN_SECONDS = 1.0
"""How much, and for how long, of an answer is read to keep the connection; it says nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt; ``error`` is empty when it was taken."""

    error: str = ""

    @property
    def taken(self) -> bool:
        """Whether the listener has answered with any 2xx."""
        return not self.error


def signature(secret: SecretStr, timestamp: str, body: bytes) -> str:
    """Return ``v1=`` and the HMAC-SHA256 in hex over timestamp, a full stop and the body.

    The receiver computes the same, compares in constant time and refuses an old timestamp.
    """
    text = timestamp.encode() + b"." + body
    return f"v1={hmac.digest(secret.get_secret_value().encode(), text, sha256).hex()}"


class Sender:
    """The connections to one listener; a few at most, and nobody else's."""

    def __init__(
        self,
        policy: CallbackPolicy,
        *,
        seconds: float,
        connections: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``tls`` says whose certificates are trusted; the usual authorities without one."""
        self._policy = policy
        self._seconds = seconds
        self._http = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            verify=tls or True,
            timeout=seconds,
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=30),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self, callback: str, event: dict[str, Any], secret: SecretStr | None = None
    ) -> Outcome:
        """Post ``event`` to ``callback``; never longer than the seconds given, and a second."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(callback, body, secret)
        except TimeoutError:
            return Outcome(f"no answer within {self._seconds:g} seconds")
        except CallbackRefused as error:
            return Outcome(f"callback {error}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Outcome(f"{type(error).__name__}: {error}"[:300])

    async def _post(self, callback: str, body: bytes, secret: SecretStr | None) -> Outcome:
        target = self._policy.target(callback)
        address = await self._policy.address(target)
        headers = {"Host": target.authority, "Content-Type": "application/json"}
        if secret is not None:
            timestamp = str(int(time.time()))
            headers |= {TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}
        request = self._http.build_request(
            "POST",
            target.at(address),
            content=body,
            headers=headers,
            extensions={"sni_hostname": target.host},
        )
        answer = await self._http.send(request, stream=True)
        try:
            if not answer.is_success:
                return Outcome(f"answered {answer.status_code}")
            await _drain(answer)
            return Outcome()
        finally:
            await answer.aclose()


async def _drain(answer: httpx.Response) -> None:
    """Read a short answer to its end; what is long or slow loses its connection, no more."""
    read = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read > _MAX_ANSWER:
                    return
    except (TimeoutError, httpx.HTTPError):
        return  # the event has been taken all the same
