"""HTTP to a device or service: one client a session, nothing followed, nothing borrowed."""

import logging
from typing import Any

import httpx

from adapters.errors import AuthenticationFailed, ProtocolError, Unsupported
from adapters.faults.http import httpx_errors
from adapters.seam import Endpoint

ANSWER_SECONDS = 30
CONNECT_SECONDS = 10
_BODY_BYTES = 64 * 1024 * 1024

# At INFO it logs every URL.
logging.getLogger("httpx").setLevel(logging.WARNING)


def base_url(endpoint: Endpoint) -> str:
    """Return ``options['url']``, or http to host and port."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return endpoint.options.get("url") or f"http://{host}:{endpoint.port}"


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
        with httpx_errors(self._device):
            response = self._client.request(method, path, json=body)
        if response.status_code in (401, 403):
            raise AuthenticationFailed(f"HTTP {response.status_code}", device=self._device)
        if response.status_code >= 500:
            raise ProtocolError(f"HTTP {response.status_code}", device=self._device)
        if response.is_redirect:
            raise Unsupported("redirects are not followed", device=self._device)
        if len(response.content) > _BODY_BYTES:
            raise ProtocolError("answer too large", device=self._device)
        if not response.content:
            return response.status_code, None
        try:
            return response.status_code, response.json()
        except ValueError as error:
            raise ProtocolError("the answer is no JSON", device=self._device) from error

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._client.close()
