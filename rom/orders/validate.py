"""Judges a new order as a whole: its document, the catalog's rules and the sites there are."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from rom.catalog.characteristics import typed_characteristics, with_derived
from rom.catalog.errors import CharacteristicError, UnknownSpecification
from rom.catalog.loader import Catalog
from rom.catalog.specification import Specification
from rom.model.access import current_scope
from rom.model.errors import OrderRefused, OutOfScope
from rom.model.order import Action, NewItem, NewOrder
from rom.orders.parse import MAXIMUM_ITEMS, parse_order
from rom.orders.relationships import find_cycle

KnownSites = Callable[[Collection[str]], Mapping[str, str]]
"""Returns those of the sites named that there are, with their customers."""


def validate(
    body: object,
    catalog: Catalog,
    known_sites: KnownSites,
    *,
    maximum_items: int = MAXIMUM_ITEMS,
) -> NewOrder:
    """Return the order a request body describes, every item typed by its specification.

    Raises ``OrderRefused`` naming the field, the reason and the fix, and ``OutOfScope`` for a site
    that is not among the ``known_sites`` of a client with limits; nothing is written anywhere.
    """
    return judge(parse_order(body, maximum_items=maximum_items), catalog, known_sites)


def judge(
    order: NewOrder,
    catalog: Catalog,
    known_sites: KnownSites,
    *,
    existing: Collection[str] = (),
) -> NewOrder:
    """Return a parsed order with every item typed by its specification; refuses as ``validate``.

    ``existing`` items are ordered already, so that their specification need not be orderable.
    """
    known = known_sites({item.site for item in order.items})
    items: list[NewItem] = []
    specifications: dict[str, Specification] = {}
    for index, item in enumerate(order.items):
        path = f"orderItem[{index}]"
        if item.site not in known:
            raise _unknown_site(f"{path}.resource.place", item.site)
        spec = _specification(path, item, catalog, is_new=item.id not in existing)
        specifications[item.id] = spec
        items.append(_typed(path, item, spec))
    check_customer(order, known)
    _check_one_of_each_key(items)
    _check_preconditions(items, specifications)
    return replace(order, items=tuple(items))


def _unknown_site(field: str, site: str) -> Exception:
    if current_scope().limited:
        return OutOfScope(field, site)
    return OrderRefused(field, f"there is no site {site!r}", "name a known site")


def check_customer(order: NewOrder, customers: Mapping[str, str]) -> None:
    """Raise ``OrderRefused`` for an order in the name of somebody else than its sites' customer.

    ``customers`` are those of the sites.
    """
    for index, item in enumerate(order.items):
        customer = customers.get(item.site, order.customer)
        if order.customer not in (None, customer):
            raise OrderRefused(
                "relatedParty[customer].id",
                f"is {order.customer!r}, but site {item.site} of orderItem[{index}] is "
                f"{customer!r}'s",
                "name the site's customer, or a site of this customer",
            )


def _specification(path: str, item: NewItem, catalog: Catalog, *, is_new: bool) -> Specification:
    field = f"{path}.resourceSpecification"
    try:
        spec = catalog.specification(item.specification, item.specification_version)
    except UnknownSpecification as error:
        raise OrderRefused(
            field,
            f"there is no specification {error.specification!r}"
            + (f" in version {error.version!r}" if error.version is not None else ""),
            f"use one of {', '.join(error.known)}",
        ) from error
    if is_new and item.action is Action.ADD and not spec.orderable:
        raise OrderRefused(
            field,
            f"{spec.id} {spec.version} is {spec.lifecycleStatus}",
            "order an active specification",
        )
    return spec


def _typed(path: str, item: NewItem, spec: Specification) -> NewItem:
    partial = item.action is not Action.ADD
    try:
        typed = typed_characteristics(spec, item.characteristics, partial=partial)
        if not partial:
            with_derived(spec, typed)
    except CharacteristicError as error:
        raise OrderRefused(
            f"{path}.resource.resourceCharacteristic[{error.name}]", error.problem, error.fix
        ) from error
    return replace(item, specification_version=spec.version, key=spec.key, typed=typed)


def _check_one_of_each_key(items: Sequence[NewItem]) -> None:
    first: dict[tuple[str, str], str] = {}
    for index, item in enumerate(items):
        other = first.setdefault((item.site, item.key), item.id)
        if other != item.id:
            raise OrderRefused(
                f"orderItem[{index}]",
                f"site {item.site} has another {item.key} item, {other}, in this order",
                "send one item of each kind a site",
            )


def _check_preconditions(
    items: Sequence[NewItem], specifications: dict[str, Specification]
) -> None:
    """Refuse relationships that run against the technical order: such items wait for ever."""
    added = [item for item in items if item.action is Action.ADD]
    holders = {(item.site, item.key): item.id for item in added}
    graph = {item.id: item.depends_on for item in items}
    for item in added:
        needs = specifications[item.id].needed_keys
        technical = tuple(
            holders[item.site, need] for need in sorted(needs) if (item.site, need) in holders
        )
        graph[item.id] = (*item.depends_on, *technical)
    cycle = find_cycle(graph)
    if cycle:
        position = [item.id for item in items].index(cycle[0])
        raise OrderRefused(
            f"orderItem[{position}].orderItemRelationship",
            f"runs against the technical order: {' -> '.join(cycle)}",
            "remove the relationship; the gateway keeps the technical order by itself",
        )
