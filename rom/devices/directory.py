"""Devices: which device plays a role at a site, and how its endpoint is put together.

How the device of a role is found is data (``rom/catalog/roles.yaml``): the site's line names it, a
device of another role has it as a partner, or it is a unit from stock that stands at the site.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from pydantic import SecretStr

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from adapters.seam import Endpoint, Session
from device_profiles.profile import Profile, load_profile
from inventory import queries
from inventory.model import Allocations, UnknownEntryError
from inventory.records import DeviceRecord
from rom.catalog.roles import Role, load_roles
from rom.devices import meeting
from rom.model.device import Device
from rom.model.reason import Reason
from rom.store import site_secrets
from rom.store.database import Connection, Engine
from rom.vault.vault import Vault


class NoDevice(AdapterError):
    """Inventory does not say which device plays the role; the text says what to add."""

    reason = Reason.NO_TARGET


class DeviceDirectory:
    """Finds devices and opens sessions to them."""

    def __init__(self, engine: Engine, fleet: Fleet, vault: Vault) -> None:
        self._engine = engine
        self._fleet = fleet
        self._vault = vault

    def find(
        self,
        connection: Connection,
        role: str,
        allocations: Allocations,
    ) -> Device:
        """Return the device that plays ``role`` for a site with these allocations.

        Raises ``NoDevice``.
        """
        known = load_roles().by_name.get(role)
        if known is None:
            raise NoDevice(f"role {role} is unknown; known: {', '.join(load_roles().by_name)}")
        if known.unit is not None:
            return _unit(connection, known, allocations)
        record = _device(connection, _named(connection, known, allocations))
        return Device(record.name, role, record.profile, record.attributes)

    def profile(self, target: Device) -> Profile:
        """Return the target's platform."""
        return load_profile(target.profile)

    def profile_name(self, connection: Connection, device: str, site: str) -> str:
        """Return the platform of a device that the site has something on; raises ``NoDevice``."""
        if queries.is_device(connection, device):
            return _device(connection, device).profile
        allocations = queries.site_allocations(connection, site)
        return _unit(connection, load_roles().of_unit(device), allocations).profile

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        """Yield an open session to a device; raises ``AdapterError``."""
        with self._engine.connect() as connection:
            endpoint = self.endpoint(connection, device, site)
            is_first = meeting.is_first(connection, endpoint)
        if is_first:
            login = load_roles().of_unit(device).login
            protocol = login.protocol if login else ""
            opened = meeting.first_session(self._engine, self._fleet, endpoint, site, protocol)
        else:
            opened = self._fleet.session(endpoint)
        with opened as session:
            yield session

    def endpoint(
        self, connection: Connection, device: str, site: str, *, with_password: bool = True
    ) -> Endpoint:
        """Return how to reach a device, credentials included; made fresh, never stored.

        Without a password it serves to look at what answers there, and for nothing else.
        """
        if queries.is_device(connection, device):
            return self._device_endpoint(connection, device, with_password=with_password)
        return self._unit_endpoint(connection, device, site)

    def _device_endpoint(
        self, connection: Connection, device: str, *, with_password: bool
    ) -> Endpoint:
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
            password=self._vault.resolve(secret) if secret and with_password else SecretStr(""),
            host_key=record.host_key,
            options=record.options,
        )

    def _unit_endpoint(self, connection: Connection, device: str, site: str) -> Endpoint:
        role = load_roles().of_unit(device)
        if role.login is None:
            raise NoDevice(f"role {role.role} has no login")
        allocations = queries.site_allocations(connection, site)
        profile = _unit(connection, role, allocations).profile
        way = _way(connection, role, role.login.protocol, role.login.port, allocations)
        password, other = self._passwords(connection, device, site, role.login.password)
        return Endpoint(
            device=device,
            profile=profile,
            host=way["host"],
            port=way["port"],
            username=_parameter(connection, role.login.user),
            password=password,
            other_password=other,
            host_key=way.get("host_key"),
            options={
                name: self._held(connection, device, site, f"{secret}/{site}")
                for name, secret in role.login.options.items()
            },
        )

    def _passwords(
        self, connection: Connection, device: str, site: str, kind: str
    ) -> tuple[SecretStr, SecretStr | None]:
        """Return what a unit holds as far as the ledger knows, and what it may hold instead.

        There is another one only while the secret is being replaced: the gateway may have died
        between the device and the ledger.
        """
        name = f"{kind}/{site}"
        known = site_secrets.find(connection, name)
        if known is None or known.former is None:
            return self._vault.resolve(name), None
        present = self._vault.resolve(name)
        former = self._vault.value_of(name, known.former)
        if self._held(connection, device, site, name) == known.reference:
            return present, former
        return former, present

    def _held(self, connection: Connection, device: str, site: str, name: str) -> str:
        """Return the name of the value that the ledger says the unit holds."""
        names = site_secrets.held(connection, site, device).get(device, set())
        mine = [each for each in names if site_secrets.base_of(each) == name]
        return mine[0] if mine else name


def twamp_address(connection: Connection, allocations: Allocations) -> tuple[str, int]:
    """Return where the site's reflector answers, as host and UDP port; raises ``NoDevice``."""
    role, reflects = load_roles().reflector
    way = _way(connection, role, reflects.protocol, reflects.port, allocations)
    return way["host"], way["port"]


def boot_source(connection: Connection, unit: str, site: str) -> IPv4Address | IPv6Address:
    """Return the address from which a new unit asks for its configuration.

    It is the one that inventory has reserved and DHCP gives. Where addresses are translated one to
    one on the way, the unit's access names under ``ztp`` the ``network`` that they are mapped to.
    Raises ``NoDevice`` when nothing is reserved.
    """
    role = load_roles().of_unit(unit)
    if role.boots_from is None:
        raise NoDevice(f"role {role.role} boots from no address")
    allocations = queries.site_allocations(connection, site)
    reserved = ip_address(_attribute(role, role.boots_from, allocations))
    mapped = queries.cpe_access(connection, unit).get("ztp", {}).get("network")
    if mapped is None:
        return reserved
    network = ip_network(mapped)
    return network.network_address + (int(reserved) & int(network.hostmask))


def _named(connection: Connection, role: Role, allocations: Allocations) -> str:
    if role.named_by is not None:
        return _attribute(role, role.named_by, allocations)
    owner = load_roles().by_name[role.partner_of or ""]
    name = _named(connection, owner, allocations)
    partners = _device(connection, name).partners
    if role.role not in partners:
        raise NoDevice(f"role {role.role}: device {name} names no partner for it in inventory")
    return partners[role.role]


def _unit(connection: Connection, role: Role, allocations: Allocations) -> Device:
    unit = allocations.get(role.unit or "")
    if unit is None:
        raise NoDevice(f"role {role.role}: the site has no {role.unit} yet")
    known = queries.network_parameters(connection).get("cpe_profiles", {})
    profile = known.get(unit["model"], {}).get(role.role)
    if profile is None:
        raise NoDevice(
            f"role {role.role}: network.cpe_profiles names no profile for {unit['model']}"
        )
    return Device(f"{unit['serial']}{role.suffix}", role.role, profile, {})


def _way(
    connection: Connection,
    role: Role,
    protocol: str,
    port: int,
    allocations: Allocations,
) -> dict[str, Any]:
    """Return host and port of a unit, as inventory's access says or else by its own address."""
    device = _unit_serial(role, allocations)
    address = _attribute(role, role.address or "", allocations)
    access = queries.cpe_access(connection, device)
    return {"host": address, "port": port, **access.get(protocol, {})}


def _unit_serial(role: Role, allocations: Allocations) -> str:
    return _attribute(role, f"{role.unit}.serial", allocations)


def _attribute(role: Role, reference: str, allocations: Allocations) -> str:
    name, _, attribute = reference.partition(".")
    if name not in allocations:
        raise NoDevice(
            f"role {role.role}: the site has no {name}, so nothing says which device it is"
        )
    if attribute not in allocations[name]:
        raise NoDevice(f"role {role.role}: the site's {name} has no attribute {attribute}")
    return str(allocations[name][attribute])


def _parameter(connection: Connection, name: str) -> str:
    value: Any = queries.network_parameters(connection)
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, str):
        raise NoDevice(f"inventory has no network.{name}")
    return value


def _device(connection: Connection, name: str) -> DeviceRecord:
    try:
        return queries.device_record(connection, name)
    except UnknownEntryError as error:
        raise NoDevice(str(error)) from error
