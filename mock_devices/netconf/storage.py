"""What a device keeps over a restart: its running configuration and its SSH host key."""

import os
from pathlib import Path

import asyncssh

from mock_devices.host_keys import host_key
from mock_devices.netconf.edit import Editor
from mock_devices.netconf.markup import BASE, parse
from mock_devices.netconf.schema import Schema
from mock_devices.netconf.tree import EMPTY, Container
from mock_devices.netconf.writing import Writer


def parse_configuration(schema: Schema, document: bytes) -> Container:
    """Return the data of a ``<config>`` or ``<data>`` document; raises ``EditRefusedError``."""
    return Editor(schema).apply(EMPTY, parse(document), "merge")


class Storage:
    """One device's folder."""

    def __init__(self, folder: Path, name: str, schema: Schema) -> None:
        self._running = folder / f"{name}.running.xml"
        self._key = folder / f"{name}.host_key"
        self._schema = schema
        self._writer = Writer(schema)
        folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> Container | None:
        """Return the kept running configuration, ``None`` on the first start."""
        if not self._running.exists():
            return None
        return parse_configuration(self._schema, self._running.read_bytes())

    def save(self, running: Container) -> None:
        """Replace the kept configuration; a crash leaves the old or the new one, whole."""
        _replace(self._running, self._writer.document(running, "config", BASE))

    def host_key(self, kind: str) -> asyncssh.SSHKey:
        """Return the device's own host key, made on the first start."""
        return host_key(self._key, kind)


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
