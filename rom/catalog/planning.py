"""From typed characteristics to what inventory must reserve and which devices get a fragment."""

from collections.abc import Mapping
from typing import Any

from inventory.model import ResourceRequest
from rom.catalog.bandwidth import Bandwidth
from rom.catalog.characteristics import with_derived
from rom.catalog.errors import ExpressionError
from rom.catalog.expressions import evaluate
from rom.catalog.specification import Configure, Reserve, Specification

SITE = "site"
"""The name under which a ``match`` expression sees the site's key."""


def resource_requests(
    spec: Specification, site_key: str, chars: Mapping[str, Any]
) -> tuple[ResourceRequest, ...]:
    """Return what an item reserves for its site, in the order in which references resolve.

    ``chars`` are typed characteristics; derived values are computed here. Amounts of bandwidth are
    in bit/s. Raises ``CharacteristicError`` or ``ExpressionError`` when a value is missing.
    """
    names = {**with_derived(spec, chars), SITE: site_key}
    return tuple(
        ResourceRequest(
            name=reserve.name,
            kind=reserve.kind,
            match={key: _matched(text, names) for key, text in reserve.match.items()},
            amount=_amount(reserve, names),
        )
        for reserve in spec.reserve
        if _applies(reserve.when, names)
    )


def configurations(spec: Specification, chars: Mapping[str, Any]) -> tuple[Configure, ...]:
    """Return which fragment goes to which role for these characteristics, in catalog order.

    An ``optional`` one is only for platforms whose profile has the fragment.
    """
    names = with_derived(spec, chars)
    return tuple(entry for entry in spec.configure if _applies(entry.when, names))


def shown_resource(spec: Specification, chars: Mapping[str, Any], res: Mapping[str, Any]) -> str:
    """Return what the allocation table shows for an item, such as ``VLAN 2108``.

    ``res`` are the site's allocations by bundle name. Raises ``ExpressionError`` while the
    resource is not allocated.
    """
    names = {"item": with_derived(spec, chars), "res": res}
    return str(evaluate(spec.resource_type.shows, names))


def _matched(text: str, names: Mapping[str, Any]) -> str | int:
    if text.startswith("@"):
        return text
    value = evaluate(text, names)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ExpressionError(f"{text!r} is neither text nor a whole number")
    return value


def _amount(reserve: Reserve, names: Mapping[str, Any]) -> int | None:
    if reserve.amount is None:
        return None
    value = evaluate(reserve.amount, names)
    if isinstance(value, Bandwidth):
        return value.bps
    if isinstance(value, bool) or not isinstance(value, int):
        raise ExpressionError(f"amount {reserve.amount!r} is neither bandwidth nor whole number")
    return value


def _applies(condition: str | None, names: Mapping[str, Any]) -> bool:
    if condition is None:
        return True
    value = evaluate(condition, names)
    if not isinstance(value, bool):
        raise ExpressionError(f"condition {condition!r} is neither true nor false")
    return value
