"""HTTP to a device or service: one client a session, nothing followed, nothing borrowed."""

import json
import logging
from typing import Any, NoReturn

import httpx

from adapters.errors import AuthenticationFailed, ProtocolError, Unsupported
from adapters.faults.http import httpx_errors
from adapters.seam import Endpoint

ANSWER_SECONDS = 30
CONNECT_SECONDS = 10
_BODY_BYTES = 64 * 1024 * 1024
_DEPTH = 64
_JSON = {"content-type": "application/json"}

# At INFO it logs every URL.
logging.getLogger("httpx").setLevel(logging.WARNING)


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _is_usable(value: object) -> bool:
    """Tell whether a value is of bounded depth and all of its text is Unicode text without NUL."""
    waiting = [(value, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, str):
            if "\0" in node or any("\ud800" <= sign <= "\udfff" for sign in node):
                return False
        elif isinstance(node, dict | list):
            if depth >= _DEPTH:
                return False
            waiting += [(name, depth) for name in node] if isinstance(node, dict) else []
            inner = node.values() if isinstance(node, dict) else node
            waiting += [(each, depth + 1) for each in inner]
    return True


def base_url(endpoint: Endpoint) -> str:
    """Return ``options['url']``, or http to host and port."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return endpoint.options.get("url") or f"http://{host}:{endpoint.port}"


def _content(body: Any) -> bytes | None:
    """Return a body as JSON in ASCII, ``None`` for none.

    Kea shows octets one by one as ``\\u00XX`` and does not decode what it is given: in UTF-8 each
    of them would come back as two, and other people's text would change with everything we write.
    """
    return None if body is None else json.dumps(body, allow_nan=False).encode("ascii")


class WebClient:
    """Requests to one service.

    With a user name it logs in by RFC 7617 (basic), with a password alone by RFC 6750 (bearer).
    Redirects are not followed, environment proxies not used.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._device = endpoint.device
        password = endpoint.password.get_secret_value()
        headers = {"authorization": f"Bearer {password}"} if password else {}
        with httpx_errors(endpoint.device):
            self._client = httpx.Client(
                base_url=base_url(endpoint),
                auth=httpx.BasicAuth(endpoint.username, password) if endpoint.username else None,
                headers={} if endpoint.username else headers,
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                follow_redirects=False,
                trust_env=False,
            )

    @property
    def alive(self) -> bool:
        """Whether it was not closed."""
        return not self._client.is_closed

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and decoded JSON body (``None`` when empty).

        Raises AuthenticationFailed for 401 and 403, ProtocolError for 5xx and for what is no
        JSON, and as ``adapters.faults.http`` says.
        """
        sent = _content(body)
        with (
            httpx_errors(self._device),
            self._client.stream(method, path, content=sent, headers=_JSON) as response,
        ):
            content = self._read(response)
        if response.status_code in (401, 403):
            raise AuthenticationFailed(f"HTTP {response.status_code}", device=self._device)
        if response.status_code >= 500:
            raise ProtocolError(f"HTTP {response.status_code}", device=self._device)
        if response.is_redirect:
            raise Unsupported("redirects are not followed", device=self._device)
        return response.status_code, self._judged(content) if content else None

    def _read(self, response: httpx.Response) -> bytes:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > _BODY_BYTES:
                raise ProtocolError("answer too large", device=self._device)
        return bytes(content)

    def _judged(self, content: bytes) -> Any:
        """Return the JSON value; what no tree of ours could hold is no answer."""
        try:
            value = json.loads(content.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ProtocolError("the answer is no usable JSON", device=self._device) from error
        if not _is_usable(value):
            text = f"the answer is deeper than {_DEPTH} levels or holds what is no text"
            raise ProtocolError(text, device=self._device)
        return value

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._client.close()
