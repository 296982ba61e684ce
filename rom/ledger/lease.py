"""Keeping a device's lease while its writer works."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rom.store import leases
from rom.store.database import Engine


@contextmanager
def kept(engine: Engine, device: str, epoch: int, seconds: int) -> Iterator[None]:
    """Renew the lease in the background while the block runs."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(seconds / 3):
            leases.renew(engine, device, epoch, seconds)

    keeper = threading.Thread(target=renew, name=f"lease-{device}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
