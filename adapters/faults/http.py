"""httpx's exceptions."""

import httpx

from adapters.errors import (
    DeviceTimeout,
    ProtocolError,
    SessionLost,
    Unreachable,
    Unsupported,
)
from adapters.translation import Translation, table

httpx_errors = Translation(
    "httpx",
    table(
        {
            Unreachable: (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError),
            SessionLost: (
                httpx.CloseError,
                httpx.NetworkError,
                httpx.ReadError,
                httpx.WriteError,
                httpx.RequestError,
                httpx.TransportError,
                httpx.HTTPError,
            ),
            DeviceTimeout: (
                httpx.PoolTimeout,
                httpx.ReadTimeout,
                httpx.TimeoutException,
                httpx.WriteTimeout,
            ),
            ProtocolError: (
                httpx.CookieConflict,
                httpx.DecodingError,
                httpx.HTTPStatusError,
                httpx.LocalProtocolError,
                httpx.ProtocolError,
                httpx.RemoteProtocolError,
                httpx.TooManyRedirects,
                httpx.RequestNotRead,
                httpx.ResponseNotRead,
                httpx.StreamClosed,
                httpx.StreamConsumed,
                httpx.StreamError,
            ),
            Unsupported: (httpx.InvalidURL, httpx.UnsupportedProtocol),
        }
    ),
)
