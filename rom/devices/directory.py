"""Devices: which device plays a role at a site, and how its endpoint is put together.

A role that inventory's BNG names as a partner (DHCP, RADIUS, probe, logistics) is that device;
the router at the site and its SNMP agent are reached as inventory's CPE record says.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from adapters.seam import Endpoint, Session
from device_profiles.profile import Profile, load_profile
from inventory import queries
from inventory.model import UnknownEntryError
from inventory.records import DeviceRecord
from rom.model.device import Device
from rom.store.database import Connection, Engine
from rom.vault.vault import Vault

CE_LOGIN = "ce-login"


class NoDevice(AdapterError):
    """Inventory does not say which device plays the role; the text says what to add."""

    reason = "NO_TARGET"


AGENT_SUFFIX = "/agent"


class DeviceDirectory:
    """Finds targets and opens sessions to them."""

    def __init__(self, engine: Engine, fleet: Fleet, vault: Vault) -> None:
        self._engine = engine
        self._fleet = fleet
        self._vault = vault

    def find(
        self,
        connection: Connection,
        role: str,
        allocations: Mapping[str, Mapping[str, Any]],
    ) -> Device:
        """Return the device that plays ``role`` for a site with these allocations.

        Raises ``NoDevice``.
        """
        if role in ("ce", "agent"):
            return _cpe(connection, role, allocations)
        bearer = allocations.get("bearer")
        if bearer is None:
            message = f"role {role}: the site has no bearer, so nothing says which device it is"
            raise NoDevice(message)
        name = bearer["device"] if role == "access" else bearer["bng"]
        if role not in ("access", "bng"):
            partners = _device(connection, name).partners
            if role not in partners:
                message = f"role {role}: device {name} names no partner for it in inventory"
                raise NoDevice(message)
            name = partners[role]
        record = _device(connection, name)
        return Device(name, role, record.profile, record.attributes)

    def profile(self, target: Device) -> Profile:
        """Return the target's platform."""
        return load_profile(target.profile)

    def profile_name(self, connection: Connection, device: str, site: str) -> str:
        """Return the platform of a device that the site has something on; raises ``NoDevice``."""
        if queries.is_device(connection, device):
            return _device(connection, device).profile
        role = "agent" if device.endswith(AGENT_SUFFIX) else "ce"
        return _cpe(connection, role, queries.site_allocations(connection, site)).profile

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        """Yield an open session to a device; raises ``AdapterError``."""
        with self._engine.connect() as connection:
            endpoint = self.endpoint(connection, device, site)
        with self._fleet.session(endpoint) as session:
            yield session

    def endpoint(self, connection: Connection, device: str, site: str) -> Endpoint:
        """Return how to reach a device, credentials included; made fresh, never stored."""
        if queries.is_device(connection, device):
            return self._device_endpoint(connection, device)
        return self._cpe_endpoint(connection, device, site)

    def _device_endpoint(self, connection: Connection, device: str) -> Endpoint:
        try:
            record = queries.endpoint_data(connection, device)
        except UnknownEntryError as error:
            raise NoDevice(str(error)) from error
        secret = record.secret_name
        return Endpoint(
            device=device,
            profile=record.profile,
            host=record.host,
            port=record.port,
            username=record.username,
            password=self._vault.resolve(secret) if secret else SecretStr(""),
            host_key=record.host_key,
            options=record.options,
        )

    def _cpe_endpoint(self, connection: Connection, device: str, site: str) -> Endpoint:
        allocations = queries.site_allocations(connection, site)
        role = "agent" if device.endswith(AGENT_SUFFIX) else "ce"
        target = _cpe(connection, role, allocations)
        access = queries.cpe_access(connection, device.removesuffix(AGENT_SUFFIX))
        if role == "agent":
            way = {"host": _own_address(allocations), "port": 161, **access.get("snmp", {})}
            user = queries.network_parameters(connection)["snmp"]["user"]
            return Endpoint(
                device=device,
                profile=target.profile,
                host=way["host"],
                port=way["port"],
                username=user,
                password=self._vault.resolve(f"snmp-auth/{site}"),
                options={"privacy": f"snmp-priv/{site}"},
            )
        way = {"host": _own_address(allocations), "port": 22, **access.get("ssh", {})}
        return Endpoint(
            device=device,
            profile=target.profile,
            host=way["host"],
            port=way["port"],
            username=queries.network_parameters(connection)["ce_user"],
            password=self._vault.resolve(f"{CE_LOGIN}/{site}"),
            host_key=way.get("host_key"),
            options={"enable_secret": f"ce-enable/{site}"},
        )


def twamp_address(
    connection: Connection, allocations: Mapping[str, Mapping[str, Any]]
) -> tuple[str, int]:
    """Return where the site's reflector answers, as host and UDP port."""
    access = queries.cpe_access(connection, allocations["ce"]["serial"])
    way = {"host": _own_address(allocations), "port": 862, **access.get("twamp", {})}
    return way["host"], way["port"]


def _own_address(allocations: Mapping[str, Mapping[str, Any]]) -> str:
    return str(allocations["loopback"]["ce"])


def _cpe(connection: Connection, role: str, allocations: Mapping[str, Mapping[str, Any]]) -> Device:
    router = allocations.get("ce")
    if router is None:
        message = f"role {role}: the site has no router yet"
        raise NoDevice(message)
    known = queries.network_parameters(connection).get("cpe_profiles", {})
    profile = known.get(router["model"], {}).get(role)
    if profile is None:
        message = f"role {role}: network.cpe_profiles names no profile for {router['model']}"
        raise NoDevice(message)
    suffix = AGENT_SUFFIX if role == "agent" else ""
    return Device(f"{router['serial']}{suffix}", role, profile, {})


def _device(connection: Connection, name: str) -> DeviceRecord:
    try:
        return queries.device_record(connection, name)
    except UnknownEntryError as error:
        raise NoDevice(str(error)) from error
