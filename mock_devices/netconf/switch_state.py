"""State of an access switch: its ports (openconfig-switch schema)."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

from mock_devices.netconf.operational import StateData, StateRequest
from mock_devices.netconf.tree import Container

DEFAULT_SPEED = "openconfig-if-ethernet:SPEED_1GB"


class SwitchState:
    """A port is up when it is enabled and ``link`` (by interface name) says there is light."""

    def __init__(self, link: Callable[[str], bool]) -> None:
        self._link = link

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return the state containers of the interfaces asked for."""
        if not request.wants("interfaces"):
            return {}
        names = request.names("interfaces", "interface")
        return {
            "interfaces": {
                "interface": [
                    self._port(name, entry)
                    for (name,), entry in running.container("interfaces")
                    .entries("interface")
                    .items()
                    if names is None or name in names
                ]
            }
        }

    def _port(self, name: str, entry: Container) -> dict[str, Any]:
        enabled = entry.container("config").leaf("enabled") != "false"
        up = enabled and self._link(name)
        port: dict[str, Any] = {
            "name": name,
            "state": {
                "name": name,
                "admin-status": "UP" if enabled else "DOWN",
                "oper-status": "UP" if up else "DOWN",
                "ifindex": crc32(name.encode()) & 0x7FFFFFFF,
            },
        }
        speed = entry.container("ethernet", "config").leaf("port-speed") or DEFAULT_SPEED
        if up:
            port["ethernet"] = {"state": {"port-speed": speed, "negotiated-port-speed": speed}}
        return port
