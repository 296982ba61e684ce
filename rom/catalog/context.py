"""What every device template sees of a site: plain data, the same for all platforms."""

from collections.abc import Mapping
from typing import Any

from device_profiles.circuit import circuit_id
from device_profiles.errors import ProfileError
from device_profiles.profile import Profile
from inventory.model import Allocations
from rom.catalog.bandwidth import Bandwidth
from rom.catalog.errors import ContextError

_INSERTING = {"access": "device", "bng": "bng"}
"""Who inserts option 82 on a line, and the line's attribute that names it."""


def site_context(
    site: Mapping[str, Any],
    customer: Mapping[str, Any],
    network: Mapping[str, Any],
    items: Mapping[str, Mapping[str, Any]],
    allocations: Allocations,
    device: Mapping[str, Any],
    inserting: Profile | None = None,
) -> dict[str, Any]:
    """Return the context for rendering fragments on ``device``.

    ``items`` holds characteristics with derived values by specification key, ``allocations`` the
    attributes by bundle name. What is not ordered or not yet allocated is absent, so that a
    template that needs it fails instead of rendering a gap. Rates become ``bps``, ``kbps`` and
    ``mbps``. ``inserting`` is the platform of the site's ``inserting_device``, whose profile says
    what the site's circuit-id looks like. Raises ``ContextError`` when the allocations contradict
    each other.
    """
    context: dict[str, Any] = {
        "site": plain(site),
        "customer": plain(customer),
        "network": plain(network),
        "item": plain(items),
        "res": plain(allocations),
        "device": plain(device),
    }
    circuit = _circuit_id(context, inserting)
    if circuit is not None:
        context["circuit_id"] = circuit
    return context


def inserting_device(allocations: Allocations) -> str | None:
    """Return the device that inserts DHCP option 82 on the site's line, ``None`` before it has one.

    Raises ``ContextError`` for a line that does not say who does.
    """
    bearer = allocations.get("bearer")
    if bearer is None:
        return None
    inserts = bearer.get("option82")
    attribute = _INSERTING.get(str(inserts))
    if attribute is None:
        raise ContextError(
            f"bearer {bearer.get('value')}: option82 is {inserts!r}; give access or bng"
        )
    name = bearer.get(attribute)
    if name is None:
        raise ContextError(f"bearer has no attribute {attribute}")
    return str(name)


def _circuit_id(context: Mapping[str, Any], inserting: Profile | None) -> str | None:
    device = inserting_device(context["res"])
    if device is None or "vlan" not in context["res"]:
        return None
    if inserting is None:
        raise ContextError(f"{device} inserts option 82 and is no device of inventory")
    try:
        return circuit_id(inserting, context)
    except ProfileError as error:
        raise ContextError(f"{device}: {error}") from error


def plain(value: Any) -> Any:
    """Return ``value`` as data that JSON and YAML can hold; a rate becomes its three units."""
    if isinstance(value, Bandwidth):
        return {"bps": value.bps, "kbps": value.kbps, "mbps": value.mbps}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
