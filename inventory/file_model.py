"""The words of an inventory file (YAML), validated where they enter."""

import re
import unicodedata
from ipaddress import ip_network
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from inventory.kinds import Duration, Network, is_prefix, kind_of

_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([kMG]?)")
_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


def _printable(value: Any) -> Any:
    """Refuse control characters anywhere: values end up on command lines of routers."""
    if isinstance(value, str):
        if any(unicodedata.category(character) == "Cc" for character in value):
            raise ValueError("has a control character; write plain text on one line")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _printable(key)
            _printable(inner)
    elif isinstance(value, list):
        for inner in value:
            _printable(inner)
    return value


def _rate(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write bit/s as a number or with k, M or G, such as 1.1G")
    return round(float(match[1]) * _FACTORS[match[2]])


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("is no IANA time zone, such as Australia/Melbourne") from error
    return value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Attributes = Annotated[dict[str, JsonValue], AfterValidator(_printable)]
Rate = Annotated[int, BeforeValidator(_rate), Field(ge=0, le=10**14)]
Values = Annotated[tuple[int | Text, ...], BeforeValidator(_listed)]
"""One value or a list; ``2100-2199`` is a range with both ends."""


class Entry(BaseModel):
    """Base of all entries: unknown fields are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CustomerEntry(Entry):
    """A customer; ``number`` becomes the route target, ``autonomous_system`` the CE's."""

    id: Key
    name: Text
    number: int = Field(ge=1, le=2**32 - 1)
    vpn: Key
    autonomous_system: int = Field(ge=1, le=2**32 - 1)


class SiteEntry(Entry):
    """A site of a customer."""

    key: Key
    name: Text
    customer: Key
    timezone: Annotated[str, AfterValidator(_timezone)]
    place: Attributes = {}
    attributes: Attributes = {}


class EndpointEntry(Entry):
    """How to reach a device; the secret itself is never in the file."""

    host: Text
    port: int | None = Field(default=None, ge=1, le=65535)
    username: str = ""
    secret_name: Text | None = None
    host_key: Text | None = None
    options: dict[str, Text] = {}


class DeviceEntry(Entry):
    """A device; ``partners`` names by role the servers and probes that serve a BNG's sites."""

    name: Key
    role: Key
    profile: Key
    attributes: Attributes = {}
    partners: dict[Key, Key] = {}
    endpoint: EndpointEntry | None = None


class Marking(Entry):
    """Values (or, in a pool of quantity, an amount) that are not ours to give."""

    value: Values = ()
    amount: Rate = 0
    by: Text

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
    attributes: Attributes = {}
    earmark: Key | None = None
    for_each: dict[Key, Values] = {}


class PoolEntry(Entry):
    """A pool: of values, prefixes and things (items), of bit/s (quantity), of names (pattern)."""

    name: Text
    kind: Key
    mode: Literal["items", "quantity", "pattern"] = "items"
    shared: bool | None = None
    scope: Text | None = None
    attributes: Attributes = {}
    item_attributes: Attributes = {}
    for_each: dict[Key, Values] = {}
    """Repeats the whole pool with ``{key}`` replaced in its texts, such as once a PON port."""
    values: Values = ()
    prefix: Values = ()
    split: int | None = Field(default=None, ge=1, le=128)
    items: tuple[Item, ...] = ()
    pattern: Text | None = None
    capacity: Rate | None = None
    watermark: Rate | None = None
    quarantine: Duration | None = None
    used: tuple[Marking, ...] = ()
    retired: tuple[Marking, ...] = ()
    earmarks: tuple[Earmark, ...] = ()

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

    network: Attributes | None = None
    customers: tuple[CustomerEntry, ...] = ()
    sites: tuple[SiteEntry, ...] = ()
    devices: tuple[DeviceEntry, ...] = ()
    pools: tuple[PoolEntry, ...] = ()
