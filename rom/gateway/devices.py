"""Devices: what there is, and whether it holds what the sites should have on it."""

from collections.abc import Collection
from dataclasses import dataclass

from rom.answers.devices import DeviceLine, DriftReport
from rom.drift import devices
from rom.drift.audit import Audit
from rom.model.errors import UnknownDevice
from rom.store.database import Engine


@dataclass(frozen=True)
class Devices:
    """What is asked of devices. Thread-safe; ``check`` blocks while they are read."""

    engine: Engine
    audit: Audit

    def all(self) -> tuple[DeviceLine, ...]:
        """Return every device with its sites, what waits for it and its last transaction."""
        with self.engine.connect() as connection:
            return devices.overview(connection)

    def check(self, names: Collection[str] | None = None) -> DriftReport:
        """Return the drift report of some devices, or of all; sends nothing.

        A device that no site has anything on has nothing to differ from. Raises ``UnknownDevice``.
        """
        asked: list[str] | None = None
        if names is not None:
            known = {entry.device: entry for entry in self.all()}
            for name in names:
                if name not in known:
                    raise UnknownDevice(name)
            asked = [name for name in names if known[name].sites]
        return self.audit.check(asked)
