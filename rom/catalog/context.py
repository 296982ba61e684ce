"""What every device template sees of a site: plain data, the same for all platforms."""

from collections.abc import Mapping
from typing import Any

from rom.catalog.bandwidth import Bandwidth
from rom.catalog.errors import ContextError

# TR-101 section 3.9.3: the access type in an access node's circuit-id.
_ACCESS_TYPES = {"gpon": "xpon", "p2p": "eth"}


def site_context(
    site: Mapping[str, Any],
    customer: Mapping[str, Any],
    network: Mapping[str, Any],
    items: Mapping[str, Mapping[str, Any]],
    allocations: Mapping[str, Mapping[str, Any]],
    device: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the context for rendering fragments on ``device``.

    ``items`` holds characteristics with derived values by specification key, ``allocations`` the
    attributes by bundle name. What is not ordered or not yet allocated is absent, so that a
    template that needs it fails instead of rendering a gap. Rates become ``bps``, ``kbps`` and
    ``mbps``. Raises ``ContextError`` when the allocations contradict each other.
    """
    context: dict[str, Any] = {
        "site": plain(site),
        "customer": plain(customer),
        "network": plain(network),
        "item": plain(items),
        "res": plain(allocations),
        "device": plain(device),
    }
    circuit = circuit_id(allocations, customer)
    if circuit is not None:
        context["circuit_id"] = circuit
    return context


def circuit_id(
    allocations: Mapping[str, Mapping[str, Any]], customer: Mapping[str, Any]
) -> str | None:
    """Return the DHCP option 82 circuit-id by which the site is known, ``None`` before it can be.

    The access node's form (TR-101: ``OLT xpon port/onu:vlan``) where the access inserts it, else
    the BNG's ascii-tuple (``BNG|service|port:vlan``).
    """
    bearer, vlan = allocations.get("bearer"), allocations.get("vlan")
    if bearer is None or vlan is None:
        return None
    match bearer.get("option82"):
        case "bng":
            service = _needed(customer, "number", "customer")
            bng, port = _needed(bearer, "bng"), _needed(bearer, "bng_port")
            return f"{bng}|{service}|{port}:{vlan['value']}"
        case "access":
            return _access_circuit_id(bearer, allocations.get("onu_id"), vlan)
        case other:
            raise ContextError(
                f"bearer {bearer.get('value')}: option82 is {other!r}; give access or bng"
            )


def _access_circuit_id(
    bearer: Mapping[str, Any], onu_id: Mapping[str, Any] | None, vlan: Mapping[str, Any]
) -> str | None:
    technology = _needed(bearer, "technology")
    access_type = _ACCESS_TYPES.get(technology)
    if access_type is None:
        raise ContextError(f"bearer {bearer.get('value')}: unknown technology {technology!r}")
    port = _needed(bearer, "port")
    if access_type == "xpon":
        if onu_id is None:
            return None
        port = f"{port}/{onu_id['value']}"
    return f"{_needed(bearer, 'device')} {access_type} {port}:{vlan['value']}"


def _needed(attributes: Mapping[str, Any], name: str, owner: str = "bearer") -> Any:
    try:
        return attributes[name]
    except KeyError as error:
        raise ContextError(f"{owner} has no attribute {name}") from error


def plain(value: Any) -> Any:
    """Return ``value`` as data that JSON and YAML can hold; a rate becomes its three units."""
    if isinstance(value, Bandwidth):
        return {"bps": value.bps, "kbps": value.kbps, "mbps": value.mbps}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
