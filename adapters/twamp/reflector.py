"""A stateless STAMP reflector (RFC 8762 section 4.3), which also answers TWAMP-light senders."""

import select
import socket
import threading
import time
from types import TracebackType
from typing import Self

from adapters.twamp.datagrams import ANCILLARY_BYTES, arrival, datagram_socket
from adapters.twamp.packet import parse_request, reply


class Reflector:
    """Answers test packets on ``host``:``port`` from a thread of its own while entered.

    Port 0 takes any; ``address`` tells which. Replies are as long as the request, at least 41
    bytes, and repeat its sequence number.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._udp = datagram_socket(family)
        self._udp.bind(address)
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="twamp-reflector", daemon=True)
        bound = self._udp.getsockname()
        self.address: tuple[str, int] = (bound[0], bound[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.close()
        self._thread.join()
        self._stopped.close()
        self._udp.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._udp, self._stopped], [], [])
            if self._stopped in ready:
                return
            self._answer_all()

    def _answer_all(self) -> None:
        while True:
            try:
                data, ancillary, _, sender = self._udp.recvmsg(65535, ANCILLARY_BYTES)
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            asked = parse_request(data)
            if asked is None:
                continue
            received, _ = arrival(ancillary)
            answer = reply(asked.sequence, asked, received, time.time_ns(), len(data))
            try:
                self._udp.sendto(answer, sender)
            except OSError:
                # A reply that finds no room or no way is a lost packet, which is the sender's find.
                continue
