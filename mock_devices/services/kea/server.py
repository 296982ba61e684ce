"""One DHCP server behind the control agent: its running configuration, its file, its commands."""

import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from mock_devices.services.kea import octets
from mock_devices.services.kea.errors import KeaError
from mock_devices.services.kea.families import Family
from mock_devices.services.kea.filling import filled
from mock_devices.services.kea.identifiers import identifier_bytes
from mock_devices.services.kea.semantics import check_configuration

VERSION = "2.2.0"
Answer = dict[str, Any]

SUCCESS, ERROR, UNSUPPORTED, EMPTY = 0, 1, 2, 3


def answer(result: int, text: str = "", arguments: Any = None) -> Answer:
    """Return one element of the agent's reply list (Kea 2.2, section 18.1)."""
    reply: Answer = {"result": result}
    if text:
        reply["text"] = text
    if arguments is not None:
        reply["arguments"] = arguments
    return reply


def shown(family: Family, server: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as Kea reports it: identifiers in hexadecimal, defaults filled in."""
    result = filled(family.version, deepcopy(dict(server)))
    for subnet in result.get(family.subnets, ()):
        for reservation in subnet.get("reservations", ()):
            for kind in ("circuit-id", "client-id", "flex-id"):
                if kind in reservation:
                    identifier = identifier_bytes(kind, reservation[kind])
                    reservation[kind] = identifier.hex().upper()
    return result


class KeaServer:
    """A ``kea-dhcp4`` or ``kea-dhcp6`` process.

    It starts from its file in ``state_dir``; the baseline becomes that file the first time. What
    ``config-set`` brings is lost at a restart unless ``config-write`` follows, as with Kea.
    """

    def __init__(self, family: Family, state_dir: Path, baseline: Mapping[str, Any]) -> None:
        self.family = family
        self.file = state_dir / f"kea-dhcp{family.version}.conf"
        self.leases: dict[str, dict[str, Any]] = {}
        self._commands: dict[str, Callable[[Any], Answer]] = {
            "build-report": lambda _: answer(SUCCESS, f"kea-dhcp{family.version} {VERSION}"),
            "config-get": lambda _: answer(SUCCESS, arguments=self.configuration()),
            "config-reload": lambda _: self._reload(),
            "config-set": self._set,
            "config-test": self._test,
            "config-write": self._write,
            f"lease{family.version}-get-all": lambda _: self._leases(),
            "list-commands": lambda _: answer(SUCCESS, arguments=sorted(self._commands)),
            "status-get": lambda _: self._status(),
            "version-get": lambda _: answer(SUCCESS, VERSION, {"extended": VERSION}),
        }
        if not self.file.exists():
            check_configuration(family, dict(baseline))
            self._save(self.file, baseline)
        self._running: Mapping[str, Any] = {}
        self.restart()

    def configuration(self) -> dict[str, Any]:
        """Return a copy of the running configuration, with its root key."""
        return {self.family.root: deepcopy(dict(self._running))}

    def restart(self) -> None:
        """Start again from the file; raises ``KeaError`` when it is no configuration."""
        arguments = octets.loads(self.file.read_bytes())
        self._running = shown(self.family, check_configuration(self.family, arguments))

    def command(self, name: str, arguments: Any) -> Answer:
        """Carry out one command; a refusal is an answer, never an exception."""
        handler = self._commands.get(name)
        if handler is None:
            return answer(UNSUPPORTED, f"'{name}' command not supported.")
        try:
            return handler(arguments)
        except KeaError as refusal:
            return answer(ERROR, str(refusal))

    def _test(self, arguments: Any) -> Answer:
        check_configuration(self.family, arguments)
        return answer(
            SUCCESS,
            "Configuration seems sane. Control-socket, hook-libraries, and D2 configuration "
            "were sanity checked, but not applied.",
        )

    def _set(self, arguments: Any) -> Answer:
        self._running = shown(self.family, check_configuration(self.family, arguments))
        return answer(SUCCESS, "Configuration successful.")

    def _reload(self) -> Answer:
        self.restart()
        return answer(SUCCESS, "Configuration successful.")

    def _write(self, arguments: Any) -> Answer:
        given = (arguments or {}).get("filename", self.file.name)
        path = self.file.parent / Path(given).name
        size = self._save(path, self.configuration())
        return answer(
            SUCCESS,
            f"Configuration written to {path} successful",
            {"filename": str(path), "size": size},
        )

    def _leases(self) -> Answer:
        leases = list(self.leases.values())
        text = f"{len(leases)} IPv{self.family.version} lease(s) found."
        return answer(SUCCESS if leases else EMPTY, text, {"leases": leases})

    def _status(self) -> Answer:
        return answer(SUCCESS, arguments={"pid": os.getpid(), "uptime": 0, "reload": 0})

    @staticmethod
    def _save(path: Path, configuration: Mapping[str, Any]) -> int:
        text = octets.dumps(configuration, indent=2)
        partial = path.with_suffix(".partial")
        partial.write_text(text)
        partial.replace(path)
        return len(text)
