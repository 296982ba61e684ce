"""State of a G-PON access node: which ONUs are there and what is up (bbf-olt schema)."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from mock_devices.netconf.operational import StateData, StateRequest
from mock_devices.netconf.tree import Container

ONU_TYPES = "bbf-xpon-onu-types"
INTENDED = f"{ONU_TYPES}:onu-present-and-on-intended-channel-termination"
WRONG_ONU = f"{ONU_TYPES}:onu-present-and-v-ani-known-and-o5-failed"
WRONG_FIBRE = f"{ONU_TYPES}:onu-present-and-no-v-ani-known-and-o5-failed"
ABSENT = f"{ONU_TYPES}:onu-not-present-with-v-ani"
V_ANI = "bbf-xpon-if-type:v-ani"
LONGEST_STACK = 8

Onts = Callable[[], Mapping[str, str]]
"""Serial number of every ONT with light, and the channel-termination it hangs on."""


class OltState:
    """Derives interface and ONU state from the configuration and the plant.

    ``port_up`` tells the link state of physical ports by interface name.
    """

    def __init__(self, onts: Onts, port_up: Callable[[str], bool] = lambda _: True) -> None:
        self._onts = onts
        self._port_up = port_up
        self._since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return interfaces-state and xpongemtcont-state as far as they were asked for."""
        view = _View(running, dict(self._onts()), self._port_up)
        found: dict[str, Any] = {}
        if request.wants("interfaces-state"):
            names = request.names("interfaces-state", "interface")
            found["interfaces-state"] = {
                "interface": [
                    self._interface(view, name)
                    for name in (view.names() if names is None else names)
                    if view.interface(name) is not None
                ]
            }
        if request.wants("xpongemtcont-state"):
            found["xpongemtcont-state"] = _actual_ids(running)
        return found

    def _interface(self, view: "_View", name: str) -> dict[str, Any]:
        config = view.interface(name) or Container()
        state: dict[str, Any] = {
            "name": name,
            "type": config.leaf("type") or "",
            "admin-status": "up" if view.enabled(name) else "down",
            "oper-status": "up" if view.up(name) else "down",
            "if-index": crc32(name.encode()) & 0x7FFFFFFF,
            "statistics": {"discontinuity-time": self._since},
        }
        if config.leaf("type") == V_ANI:
            state["v-ani"] = view.onu(name)
        return state


class _View:
    """One configuration together with the plant as it is now."""

    def __init__(
        self, running: Container, onts: Mapping[str, str], port_up: Callable[[str], bool]
    ) -> None:
        self._interfaces = running.container("interfaces")
        self._onts = onts
        self._port_up = port_up

    def names(self) -> list[str]:
        return [key[0] for key in self._interfaces.entries("interface")]

    def interface(self, name: str) -> Container | None:
        return self._interfaces.entry("interface", name)

    def enabled(self, name: str) -> bool:
        config = self.interface(name)
        return config is not None and config.leaf("enabled") != "false"

    def up(self, name: str, depth: int = 0) -> bool:
        config = self.interface(name)
        if config is None or not self.enabled(name) or depth > LONGEST_STACK:
            return False
        if config.leaf("type") == V_ANI:
            return self._presence(config)[0] == INTENDED
        below = config.container("olt-v-enet").leaf("lower-layer-interface") or config.container(
            "subif-lower-layer"
        ).leaf("interface")
        if below is not None:
            return self.up(below, depth + 1)
        return config.leaf("type") != "iana-if-type:ethernetCsmacd" or self._port_up(name)

    def onu(self, name: str) -> dict[str, Any]:
        config = self.interface(name) or Container()
        presence, serial = self._presence(config)
        onu_id = config.container("v-ani").leaf("onu-id")
        state: dict[str, Any] = {"onu-presence-state": presence}
        if onu_id is not None:
            state |= {"onu-id": onu_id, "management-gemport-id": onu_id}
        if serial is not None:
            termination = self._onts[serial]
            state["onu-present-on-this-olt"] = {
                "onu-present-on-this-channel-pair": self._pair_of(termination),
                "onu-present-on-this-channel-termination": termination,
                "onu-fiber-distance": 500 + crc32(serial.encode()) % 19500,
                "detected-serial-number": serial,
            }
        return state

    def _presence(self, config: Container) -> tuple[str, str | None]:
        """Return the presence state and the serial number that was detected."""
        wanted = config.container("v-ani").leaf("expected-serial-number")
        intended = set(self._terminations(config))
        if wanted is not None and wanted in self._onts:
            fits = self._onts[wanted] in intended
            return (INTENDED if fits else WRONG_FIBRE), wanted
        strangers = [serial for serial, at in self._onts.items() if at in intended]
        claimed = self._claimed() if strangers else set()
        stranger = next((serial for serial in strangers if serial not in claimed), None)
        return (WRONG_ONU, stranger) if stranger else (ABSENT, None)

    def _claimed(self) -> set[str | None]:
        return {
            entry.container("v-ani").leaf("expected-serial-number")
            for entry in self._interfaces.entries("interface").values()
        }

    def _terminations(self, config: Container) -> Iterator[str]:
        """Yield the channel-terminations of the v-ani's channel pair, or of its partition."""
        pair = config.container("v-ani").leaf("preferred-channel-pair")
        partition = config.container("v-ani").leaf("channel-partition")
        for (name,), entry in self._interfaces.entries("interface").items():
            carried = entry.container("channel-termination").leaf("channel-pair-ref")
            if carried is None:
                continue
            carrier = self.interface(carried) or Container()
            of = carrier.container("channel-pair").leaf("channel-partition-ref")
            if carried == pair or (pair is None and partition is not None and of == partition):
                yield name

    def _pair_of(self, termination: str) -> str:
        config = self.interface(termination) or Container()
        return config.container("channel-termination").leaf("channel-pair-ref") or ""


def _actual_ids(running: Container) -> dict[str, Any]:
    config = running.container("xpongemtcont")
    tconts = config.container("tconts").entries("tcont").items()
    gemports = config.container("gemports").entries("gemport").items()
    return {
        "tconts": {
            "tcont": [
                {"name": name, "actual-alloc-id": entry.leaf("alloc-id")}
                for (name,), entry in tconts
                if entry.leaf("alloc-id")
            ]
        },
        "gemports": {
            "gemport": [
                {"name": name, "actual-gemport-id": entry.leaf("gemport-id")}
                for (name,), entry in gemports
                if entry.leaf("gemport-id")
            ]
        },
    }
