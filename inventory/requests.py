"""How the requests of a bundle hang together: references, order, groups that stand alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from inventory.model import BundleRequest, ResourceRequest


@dataclass(frozen=True, slots=True)
class Reference:
    """A match value ``@name.attribute``: the attribute of what is allocated as ``name``."""

    name: str
    attribute: str


def reference(value: str | int) -> Reference | None:
    """Parse a match value; ``None`` for a plain one. Raises ``ValueError`` for half a reference."""
    if not isinstance(value, str) or not value.startswith("@"):
        return None
    name, dot, attribute = value[1:].partition(".")
    if not (name and dot and attribute):
        raise ValueError(f"{value!r} is no reference; write @name.attribute")
    return Reference(name, attribute)


def references(request: ResourceRequest) -> dict[str, Reference]:
    """Return the references of a request by match key."""
    found = {key: reference(value) for key, value in request.match.items()}
    return {key: value for key, value in found.items() if value is not None}


def groups(
    bundle: BundleRequest, held: Mapping[str, object]
) -> tuple[tuple[ResourceRequest, ...], ...]:
    """Split what is not held yet into groups that do not refer to each other.

    Inside a group every request comes after those it refers to. Raises ``ValueError`` when a name
    is there twice, refers to nothing in the bundle or held, or to itself in a circle.
    """
    by_name = {request.name: request for request in bundle.requests}
    if len(by_name) != len(bundle.requests):
        raise ValueError(f"bundle of {bundle.site}: a name is there twice")
    wanted = {name: request for name, request in by_name.items() if name not in held}
    needs: dict[str, list[str]] = {}
    for name, request in wanted.items():
        targets = {target.name for target in references(request).values()}
        unknown = sorted(targets - wanted.keys() - held.keys())
        if unknown:
            raise ValueError(
                f"bundle of {bundle.site}: {name!r} refers to {unknown[0]!r}, "
                "which is neither in the bundle nor held by the site"
            )
        needs[name] = sorted(targets & wanted.keys())
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ValueError(
            f"bundle of {bundle.site}: references form a circle: {' → '.join(error.args[1])}"
        ) from error
    return _connected([wanted[name] for name in order], needs)


def _connected(
    ordered: Sequence[ResourceRequest], needs: Mapping[str, Sequence[str]]
) -> tuple[tuple[ResourceRequest, ...], ...]:
    label: dict[str, int] = {}
    for index, request in enumerate(ordered):
        label[request.name] = index
        for joined in {label[name] for name in needs[request.name]}:
            label.update({name: index for name, old in label.items() if old == joined})
    found: dict[int, list[ResourceRequest]] = {}
    for request in ordered:
        found.setdefault(label[request.name], []).append(request)
    return tuple(tuple(group) for group in found.values())
