"""The entries of an inventory file (YAML), validated where they enter."""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inventory.file_values import (
    Attributes,
    Bounded,
    Key,
    Rate,
    Text,
    TimeZone,
    Values,
    printable,
    small,
)
from inventory.kinds import Duration, Network, is_prefix, kind_of


class Entry(BaseModel):
    """Base of all entries: unknown fields are mistakes."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class SnmpEntry(Entry):
    """How routers are watched by SNMPv3; the keys are made for each site and never written."""

    user: Text
    """User on every router."""
    trap_target: Text
    """Address that traps go to."""
    trap_port: int = Field(default=162, ge=1, le=65535)


class NetworkEntry(Entry):
    """What holds for the whole network; templates read it as ``network``.

    Templates of one's own may read more: any other name is kept as it is written.
    """

    model_config = ConfigDict(extra="allow")

    autonomous_system: int | None = Field(default=None, ge=1, le=2**32 - 1)
    """The carrier's AS, in route targets and towards routers."""
    dhcp_server: Text | None = None
    """Address that relays send DHCP to."""
    dhcp_server_ipv6: Text | None = None
    ztp_url: Text | None = None
    """Where routers fetch their first configuration, without the circuit's token."""
    management_prefix: Attributes | None = None
    """From where routers may be managed: ``network`` and ``wildcard``."""
    tacacs: Text | None = None
    ntp: Text | None = None
    syslog: Text | None = None
    domain: Text | None = None
    """Domain of the routers' names."""
    snmp: SnmpEntry | None = None
    probe_interval_seconds: float | None = Field(default=None, gt=0)
    """Pause between the packets that devices send for monitoring."""
    probe_packets: int | None = Field(default=None, ge=1)
    """Packets of one monitoring test."""
    ce_user: Text | None = None
    """User that first configurations create for the gateway."""
    cpe_profiles: dict[Text, dict[Key, Key]] = {}
    """By a router's model and then by role, which profile speaks to it."""

    @model_validator(mode="after")
    def _others_are_small_and_printable(self) -> "NetworkEntry":
        printable(small(dict(self.model_extra or {})))
        return self


class CustomerEntry(Entry):
    """A customer."""

    id: Key
    name: Text
    number: int = Field(ge=1, le=2**32 - 1)
    """Becomes the route target and the service's number."""
    vpn: Key
    """Name of the customer's VPN on every BNG."""
    autonomous_system: int = Field(ge=1, le=2**32 - 1)
    """AS of the customer's routers."""


class SiteEntry(Entry):
    """A site of a customer."""

    key: Key
    """What orders call the site, and what it is called on devices."""
    name: Text
    customer: Key
    timezone: TimeZone
    """IANA time zone, such as ``Australia/Melbourne``."""
    place: Attributes = {}
    """Where it is, for people."""
    attributes: Attributes = {}


class EndpointEntry(Entry):
    """How to reach a device; the secret itself is never in the file."""

    host: Text
    port: int | None = Field(default=None, ge=1, le=65535)
    username: str = ""
    secret_name: Text | None = None
    """Name under which the vault keeps the password or key."""
    host_key: Text | None = None
    """The only SSH host key that is accepted."""
    options: dict[str, Text] = {}
    """What the driver wants besides; the platform's profile says what that is."""


class DeviceEntry(Entry):
    """A device."""

    name: Key
    role: Key
    """What it is to sites; roles are listed below."""
    profile: Key
    """The platform it is of: a folder of ``device_profiles``, or of one's own."""
    attributes: Attributes = {}
    """What templates read as ``device.attributes``."""
    partners: dict[Key, Key] = {}
    """By role, the servers and probes that serve this BNG's sites. Each must be a device of it."""
    endpoint: EndpointEntry | None = None
    """Without one, what the lab or an operator entered before stays."""


class Marking(Entry):
    """Values (or, in a pool of quantity, an amount) that are not ours to give."""

    value: Values = ()
    amount: Rate = 0
    by: Text
    """Whose they are."""

    @model_validator(mode="after")
    def _one_of_both(self) -> "Marking":
        if bool(self.value) == bool(self.amount):
            raise ValueError("give either value or amount")
        return self


class Earmark(Entry):
    """Values set aside for one site; nobody else gets them and the site gets them first."""

    value: Values
    site: Key


class Item(Entry):
    """A single thing with attributes of its own, or one for each value of a range."""

    value: Text
    """Its name; ``{attribute}`` stands for one of its attributes or of ``for_each``."""
    attributes: Attributes = {}
    """What templates and other pools read of it; below is what each kind carries."""
    earmark: Key | None = None
    """The only site that gets it."""
    for_each: Annotated[dict[Key, Values], Field(max_length=10)] = {}
    """Repeats the item with ``{key}`` replaced in its texts; of several keys every combination."""


class PoolEntry(Entry):
    """A pool: of values, prefixes and things (items), of bit/s (quantity), of names (pattern)."""

    name: Text
    kind: Key
    """Kind of resource; the kinds are listed below."""
    mode: Literal["items", "quantity", "pattern"] = "items"
    """``items`` holds values, prefixes or items; ``quantity`` has a capacity that sites take shares
    of; ``pattern`` makes a name for each site."""
    shared: bool | None = None
    """Whether several sites may hold the same item; else as the kind says."""
    scope: Text | None = None
    """Where a value may exist only once; else as the kind says."""
    attributes: Attributes = {}
    """What requests are matched against, such as ``device``, ``port``, ``area`` or ``l2_domain``.
    ``"*"`` matches everything; ``site`` keeps the pool for one site."""
    item_attributes: Attributes = {}
    """Attributes that all its items have."""
    for_each: Annotated[dict[Key, Values], Field(max_length=10)] = {}
    """Repeats the whole pool with ``{key}`` replaced in its texts, such as once a PON port."""
    values: Values = ()
    """Plain values, such as ``2100-2199``."""
    prefix: Values = ()
    """Prefixes, for kinds that hold them."""
    split: int | None = Field(default=None, ge=1, le=128)
    """Length of the prefixes to hand out, where the given ones are longer blocks."""
    items: Annotated[tuple[Item, ...], Bounded] = ()
    pattern: Text | None = None
    """Name with ``{site}`` in it."""
    capacity: Rate | None = None
    """Whole quantity in bit/s: a number, or with k, M, G."""
    watermark: Rate | None = None
    """The pool counts as low when less than this is free."""
    quarantine: Duration | None = None
    """How long a released value rests: a number with s, min, h or d; else as the kind says."""
    used: Annotated[tuple[Marking, ...], Bounded] = ()
    """What others use already: it counts as taken and is never handed out."""
    retired: Annotated[tuple[Marking, ...], Bounded] = ()
    """What is to be used no more, such as a broken port: it is no capacity any longer."""
    earmarks: Annotated[tuple[Earmark, ...], Bounded] = ()

    @property
    def is_shared(self) -> bool:
        """Whether several sites may hold the same item."""
        return kind_of(self.kind).shared if self.shared is None else self.shared

    @model_validator(mode="after")
    def _fields_fit_the_mode(self) -> "PoolEntry":
        holds_items = bool(self.values or self.prefix or self.items)
        expected = {
            "items": (True, False, False),
            "quantity": (False, True, False),
            "pattern": (False, False, True),
        }[self.mode]
        if (holds_items, self.capacity is not None, self.pattern is not None) != expected:
            raise ValueError(
                "mode items needs values, prefix or items; mode quantity needs only capacity; "
                "mode pattern needs only pattern"
            )
        if self.pattern is not None and "{site}" not in self.pattern:
            raise ValueError("pattern must contain {site}")
        return self

    @model_validator(mode="after")
    def _scope_is_known(self) -> "PoolEntry":
        missing = [name for name in kind_of(self.kind).scope if name not in self.attributes]
        if missing and self.scope is None:
            raise ValueError(f"a pool of kind {self.kind} needs attributes {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _prefixes_fit_the_kind(self) -> "PoolEntry":
        if bool(self.prefix) and not is_prefix(self.kind):
            raise ValueError(f"prefix is not for kind {self.kind}; use values or items")
        if self.values and is_prefix(self.kind):
            raise ValueError(f"kind {self.kind} takes prefix (with split), not values")
        for text in self.prefix:
            _splittable(text, self.split)
        return self


def _splittable(text: int | str, split: int | None) -> Network:
    try:
        network = ip_network(text if isinstance(text, str) else str(text))
    except ValueError as error:
        raise ValueError(f"prefix: {error}; write it like 10.88.12.0/24") from error
    if split is not None and not network.prefixlen <= split <= network.max_prefixlen:
        raise ValueError(f"split {split} does not fit into {network}")
    return network


class InventoryFile(Entry):
    """A whole file. What it does not name is left alone, so files add up."""

    network: NetworkEntry | None = None
    new_kinds: tuple[Key, ...] = Field(default=(), max_length=100)
    """Kinds of resources that nobody knows yet; any other unknown kind is a misspelt one."""
    customers: tuple[CustomerEntry, ...] = ()
    sites: tuple[SiteEntry, ...] = ()
    devices: tuple[DeviceEntry, ...] = ()
    pools: tuple[PoolEntry, ...] = ()

    def profiles_by_role(self) -> dict[str, set[str]]:
        """Return which profiles the file's devices of each role have, routers from stock too."""
        found: dict[str, set[str]] = {}
        for entry in self.devices:
            found.setdefault(entry.role, set()).add(entry.profile)
        by_model = {} if self.network is None else self.network.cpe_profiles
        for by_role in by_model.values():
            for role, profile in by_role.items():
                found.setdefault(role, set()).add(profile)
        return found
