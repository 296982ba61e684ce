"""Finds at load time what would otherwise fail an order in the middle of the night."""

from collections.abc import Iterable, Iterator, Sequence

from rom.catalog.characteristics import typed_value
from rom.catalog.errors import CharacteristicError, ExpressionError, SpecificationFileError
from rom.catalog.expressions import names_in
from rom.catalog.planning import SITE
from rom.catalog.specification import STEPS, Characteristic, Specification


def check_specification(file: str, spec: Specification) -> None:
    """Check one file in itself; raises ``SpecificationFileError`` naming the field."""
    _check_unique(file, "characteristics", [entry.name for entry in spec.characteristics])
    for index, entry in enumerate(spec.characteristics):
        _check_values(file, f"characteristics[{index}]", entry)
    names = {entry.name for entry in spec.characteristics}
    _check_unique(file, "derive", [*names, SITE, *(entry.name for entry in spec.derive)])
    for index, derived in enumerate(spec.derive):
        _check_names(file, f"derive[{index}].expression", derived.expression, names)
        names.add(derived.name)
    for field, expression in _expressions(spec):
        _check_names(file, field, expression, names | {SITE})
    _check_names(file, "resource_type.shows", spec.resource_type.shows, {"res", "item"})
    _check_unique(file, "reserve", [entry.name for entry in spec.reserve])
    _check_steps(file, spec)


def check_catalog(loaded: Sequence[tuple[str, Specification]]) -> None:
    """Check the files against each other; raises ``SpecificationFileError``."""
    keys = {spec.key for _, spec in loaded}
    owners: dict[str, str] = {}
    for _, spec in loaded:
        owners |= {entry.name: spec.key for entry in spec.reserve}
    for file, spec in loaded:
        for index, precondition in enumerate(spec.preconditions):
            for need in precondition.needs:
                if need not in keys or need == spec.key:
                    raise SpecificationFileError(
                        file, f"preconditions[{index}].needs", f"no other key {need}"
                    )
        for index, entry in enumerate(spec.reserve):
            field = f"reserve[{index}]"
            if owners[entry.name] != spec.key:
                raise SpecificationFileError(
                    file, f"{field}.name", f"{entry.name} belongs to key {owners[entry.name]}"
                )
            for key, text in entry.match.items():
                if text.startswith("@") and text[1:].partition(".")[0] not in owners:
                    raise SpecificationFileError(
                        file, f"{field}.match.{key}", f"nothing reserves {text}"
                    )


def _check_unique(file: str, field: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SpecificationFileError(file, field, f"the name {name} is used twice")
        seen.add(name)


def _check_values(file: str, field: str, entry: Characteristic) -> None:
    bare = entry.model_copy(update={"minimum": None, "maximum": None})
    for name, value, characteristic in (
        ("minimum", entry.minimum, bare),
        ("maximum", entry.maximum, bare),
        ("default", entry.default, entry),
    ):
        if value is None:
            continue
        try:
            typed_value(characteristic, value)
        except CharacteristicError as error:
            raise SpecificationFileError(file, f"{field}.{name}", f"{error.problem}") from error


def _check_names(file: str, field: str, expression: str, known: set[str]) -> None:
    try:
        unknown = sorted(names_in(expression) - known)
    except ExpressionError as error:
        raise SpecificationFileError(file, field, str(error)) from error
    if unknown:
        raise SpecificationFileError(
            file, field, f"unknown name {unknown[0]}; known: {', '.join(sorted(known))}"
        )


def _expressions(spec: Specification) -> Iterator[tuple[str, str]]:
    for index, reserve in enumerate(spec.reserve):
        for key, text in reserve.match.items():
            if not text.startswith("@"):
                yield f"reserve[{index}].match.{key}", text
        if reserve.amount is not None:
            yield f"reserve[{index}].amount", reserve.amount
        if reserve.when is not None:
            yield f"reserve[{index}].when", reserve.when
    for index, configure in enumerate(spec.configure):
        if configure.when is not None:
            yield f"configure[{index}].when", configure.when


def _check_steps(file: str, spec: Specification) -> None:
    _check_unique(file, "steps", spec.steps)
    if list(spec.steps) != [step for step in STEPS if step in spec.steps]:
        raise SpecificationFileError(
            file, "steps", f"an item takes its steps in one order; write {', '.join(STEPS)}"
        )
    if spec.reserve and "reserve" not in spec.steps:
        raise SpecificationFileError(file, "steps", "reserve is missing; add it")
    for index, configure in enumerate(spec.configure):
        if configure.step not in spec.steps:
            raise SpecificationFileError(
                file, f"configure[{index}].step", f"the item has no step {configure.step}"
            )
    for index, precondition in enumerate(spec.preconditions):
        if precondition.before != "complete" and precondition.before not in spec.steps:
            raise SpecificationFileError(
                file,
                f"preconditions[{index}].before",
                f"the item has no step {precondition.before}",
            )
