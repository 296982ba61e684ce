"""Which item waits for which: relationships of the order, checked as one graph."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from rom.documents.fields import Node
from rom.model.errors import OrderRefused

# The standard leaves the type a free string; these words all say "starts after".
_DEPENDENCY_TYPES = frozenset({"dependency", "dependson", "relieson", "requires"})


def item_references(item: Node, item_id: str) -> tuple[str, ...]:
    """Return the ids of the items this one waits for, in the order sent and each once.

    Refuses a relationship of a type whose meaning is unknown (to ignore it could start work too
    early), one to another order, and one of the item to itself.
    """
    found: dict[str, None] = {}
    for relationship in item.members("orderItemRelationship"):
        kind = relationship.word("relationshipType")
        if kind is not None and kind.lower() not in _DEPENDENCY_TYPES:
            raise OrderRefused(
                relationship.at("relationshipType"),
                f"{kind!r} is not known",
                "use dependency",
            )
        target = relationship.member("orderItem")
        if target is None:
            raise OrderRefused(
                relationship.at("orderItem"), "is missing", "give the itemId to wait for"
            )
        if target.word("resourceOrderId") is not None:
            raise OrderRefused(
                target.at("resourceOrderId"),
                "points to another order",
                "relate items of the same order only, and send the orders one after the other",
            )
        # One published variant requires the member id, which its own text calls itemId.
        name = "id" if target.word("itemId") is None and target.word("id") else "itemId"
        reference = target.required_word(name, "give the id of the item to wait for")
        if reference == item_id:
            raise OrderRefused(target.at(name), "points to its own item", "remove it")
        found[reference] = None
    return tuple(found)


def check_references(order: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    """Refuse references to items that are not in the order, and circles."""
    known = {item for item, _ in order}
    for index, (_, references) in enumerate(order):
        for reference in references:
            if reference not in known:
                raise OrderRefused(
                    f"orderItem[{index}].orderItemRelationship",
                    f"there is no item {reference!r} in this order",
                    "name an item of this order",
                )
    cycle = find_cycle(dict(order))
    if cycle:
        position = [item for item, _ in order].index(cycle[0])
        raise OrderRefused(
            f"orderItem[{position}].orderItemRelationship",
            f"items wait for each other: {' -> '.join(cycle)}",
            "remove one of these relationships",
        )


def find_cycle(graph: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return a circle as ``(a, b, a)``, each waiting for the next; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib lists each node before the one that waits for it.
        return tuple(reversed(error.args[1]))
    return ()
