"""The topology file: which devices there are, what lies between them, who is already served."""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mock_devices.bounded_yaml import read_yaml
from mock_devices.cli.grammar import load_grammar
from mock_devices.netconf import load_schema
from mock_devices.platform_files import PlatformFileError

Loopback = Annotated[str, Field(pattern=r"^127(\.\d{1,3}){3}$")]
Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
PonPort = Annotated[str, Field(pattern=r"^\d{1,2}/\d{1,2}$")]


class TopologyError(Exception):
    """The topology file is no topology; the text names the place and the fault."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(_Model):
    """What holds for the whole lab unless a device says otherwise. Times in seconds."""

    commit_delay: float = Field(default=0.0, ge=0, le=600)
    delivery_seconds: float = Field(default=4.0, ge=0, le=86400)
    minimum_probe_interval: float = Field(default=0.002, gt=0, le=60)
    """Probes send no faster than this, whatever is configured."""


class _Device(_Model):
    host: Loopback = "127.0.0.1"
    port: Port = 0
    """0 takes any free port."""
    username: str = "netops"
    password: str = "lab-netops"  # noqa: S105 - a simulated device's factory password
    role: str


class NetconfDeviceSpec(_Device):
    """A device managed by NETCONF. ``platform`` names its schema."""

    kind: Literal["netconf"]
    platform: str
    baseline: str
    framing: Literal["1.0", "1.1"] = "1.1"
    confirmed_commit: Literal["", "1.0", "1.1"] = "1.1"
    commit_delay: float | None = Field(default=None, ge=0, le=600)
    pon_ports: tuple[PonPort, ...] = ()
    """PON ports (line card/port) of an OLT that engineering has put into service."""


class CliDeviceSpec(_Device):
    """A device managed by command lines over SSH."""

    kind: Literal["cli"]
    platform: str
    baseline: str


class KeaSpec(_Device):
    """A Kea control agent; each of its servers is one inventory device."""

    kind: Literal["kea"]
    role: str = "dhcp"
    address: str
    """Where relays send to: the server's address in the simulated network."""
    address_ipv6: str
    dhcp4: str
    dhcp6: str
    publish: tuple[Name, Name]
    """Names of the DHCPv4 and of the DHCPv6 server in the ready file."""


class RadiusSpec(_Device):
    """A FreeRADIUS database."""

    kind: Literal["radius"]
    role: str = "radius"


class NmsSpec(_Device):
    """A trap receiver."""

    kind: Literal["nms"]
    role: str = "nms"


class LogisticsSpec(_Device):
    """The logistics partner."""

    kind: Literal["logistics"]
    role: str = "logistics"


DeviceSpec = Annotated[
    NetconfDeviceSpec | CliDeviceSpec | KeaSpec | RadiusSpec | NmsSpec | LogisticsSpec,
    Field(discriminator="kind"),
]


class Link(_Model):
    """A fibre between an access device's uplink and a port of a BNG."""

    access: Name
    uplink: str
    bng: Name
    bng_port: str


class OntSpec(_Model):
    """An ONT and the PON it hangs on, whatever anybody configures."""

    olt: Name
    port: PonPort
    connected: bool = True


class RouterSpec(_Model):
    """A customer-edge router and what its WAN port is plugged into once it is installed."""

    model: str
    platform: str = "iosxe-ce"
    """Names its command language and how it boots."""
    ont: str | None = None
    switch: Name | None = None
    port: str | None = None

    @model_validator(mode="after")
    def _one_attachment(self) -> Self:
        if (self.ont is None) == (self.switch is None or self.port is None):
            raise ValueError("a router hangs on an ont, or on a switch and port")
        return self


class NeighbourGroup(_Model):
    """Sites of other customers that are in service already, numbered in a row."""

    access: Name
    uplink: str
    suffix: str = Field(pattern=r"^[A-Z0-9]{1,8}$")
    count: int = Field(gt=0, le=500)
    sites_per_customer: int = Field(default=1, gt=0)
    first_customer: int = Field(ge=1, le=9999)
    first_vlan: int = Field(ge=2, le=4094)
    first_subnet: IPv4Network
    first_prefix: IPv6Network
    megabits: int = Field(gt=0)
    probe: Name
    pon_port: PonPort | None = None
    first_onu_id: int = Field(default=0, ge=0, le=253)
    first_alloc_id: int = Field(default=256, ge=256, le=4095)
    first_gemport: int = Field(default=1024, ge=0, le=4095)
    first_port: int = Field(default=1, ge=1)
    """Number of the first ``GigabitEthernet0/`` port on a switch."""


class Topology(_Model):
    """One lab."""

    name: Name
    settings: Settings = Settings()
    shares: Name | None = None
    """The lab in the folder beside this one's whose baseline files serve here as well."""
    devices: dict[Name, DeviceSpec]
    links: tuple[Link, ...] = ()
    onts: dict[str, OntSpec] = Field(default_factory=dict)
    routers: dict[str, RouterSpec] = Field(default_factory=dict)
    neighbours: tuple[NeighbourGroup, ...] = ()

    @model_validator(mode="after")
    def _everything_named_exists(self) -> Self:
        problems = list(self._wrong_platforms())
        if not problems:
            problems = [*self._unknown_names(), *self._doubles()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _wrong_platforms(self) -> Iterator[str]:
        for name, device in self.devices.items():
            if isinstance(device, NetconfDeviceSpec | CliDeviceSpec):
                load = load_schema if isinstance(device, NetconfDeviceSpec) else load_grammar
                yield from _faults(f"device {name}", device.platform, load)
        for serial, router in self.routers.items():
            yield from _faults(f"router {serial}", router.platform, load_grammar)

    def _unknown_names(self) -> Iterator[str]:
        wanted = [(f"link {link.access} {link.uplink}", link.access) for link in self.links]
        wanted += [(f"link {link.access} {link.uplink}", link.bng) for link in self.links]
        wanted += [
            (f"router {serial}", router.switch)
            for serial, router in self.routers.items()
            if router.switch is not None
        ]
        wanted += [(f"neighbours of {group.access}", group.probe) for group in self.neighbours]
        yield from (
            f"{user}: no device {name}" for user, name in wanted if name not in self.devices
        )
        yield from (
            f"link {link.access} {link.uplink}: {link.bng} is no gateway"
            for link in self.links
            if link.bng in self.devices and not _is_gateway(self.devices[link.bng])
        )
        yield from self._unknown_ports()

    def _unknown_ports(self) -> Iterator[str]:
        for serial, ont in self.onts.items():
            if ont.port not in getattr(self.devices.get(ont.olt), "pon_ports", ()):
                yield f"ont {serial}: no PON port {ont.port} on {ont.olt}"
        for serial, router in self.routers.items():
            if router.ont is not None and router.ont not in self.onts:
                yield f"router {serial}: no ont {router.ont}"
        for group in self.neighbours:
            if self.link(group.access, group.uplink) is None:
                yield f"neighbours of {group.access}: no link at {group.uplink}"

    def _doubles(self) -> Iterator[str]:
        taken: set[tuple[str, str]] = set()
        for link in self.links:
            for end in ((link.access, link.uplink), (link.bng, link.bng_port)):
                if end in taken:
                    yield f"two links at {end[0]} {end[1]}"
                taken.add(end)
        plugged: set[tuple[str | None, ...]] = set()
        for serial, router in self.routers.items():
            place = (router.ont, router.switch, router.port)
            if place in plugged:
                yield f"router {serial}: its port has a router already"
            plugged.add(place)
        fixed: set[tuple[str, int]] = set()
        for name, device in self.devices.items():
            if device.port and (device.host, device.port) in fixed:
                yield f"device {name}: port {device.port} of {device.host} is another device's"
            fixed.add((device.host, device.port))

    def link(self, access: str, uplink: str) -> Link | None:
        """Return the link at an access device's uplink."""
        ends = (link for link in self.links if (link.access, link.uplink) == (access, uplink))
        return next(ends, None)


def _faults(user: str, platform: str, load: Callable[[str], object]) -> Iterator[str]:
    try:
        load(platform)
    except PlatformFileError as error:
        yield f"{user}: {error}"
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            place = ".".join(str(step) for step in fault["loc"])
            yield f"{user}: {platform}.yaml: {place}: {fault['msg']}"
    except (ValueError, KeyError, TypeError, re.error, yaml.YAMLError) as error:
        yield f"{user}: {platform}.yaml: {error}"


def _is_gateway(device: DeviceSpec) -> bool:
    if not isinstance(device, NetconfDeviceSpec):
        return False
    return load_schema(device.platform).gateway is not None


def load_topology(path: Path) -> Topology:
    """Read a topology file; raises ``TopologyError`` that names the place and the fault."""
    try:
        data = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TopologyError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TopologyError(f"{path}: not YAML: {error}") from error
    try:
        return Topology.model_validate(data)
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(step) for step in fault['loc']) or 'topology'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise TopologyError(f"{path}: {'; '.join(faults)}") from error
