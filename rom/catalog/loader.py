"""Reads specification files and answers which specifications there are."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from rom.catalog.consistency import check_catalog, check_specification
from rom.catalog.errors import SpecificationFileError, UnknownSpecification
from rom.catalog.specification import Specification

_SHIPPED = Path(__file__).parent / "specifications"


class Catalog:
    """All specifications in all their versions; ``replace`` changes them all at once."""

    def __init__(self, specifications: Iterable[Specification]) -> None:
        self._versions: Mapping[str, Mapping[str, Specification]] = {}
        self.replace(specifications)

    def replace(self, specifications: Iterable[Specification]) -> None:
        """Let these be the catalog; who reads meanwhile sees the one or the other."""
        versions: dict[str, dict[str, Specification]] = {}
        for spec in specifications:
            versions.setdefault(spec.id, {})[spec.version] = spec
        self._versions = versions

    def specification(self, specification: str, version: str | None = None) -> Specification:
        """Return a specification; without ``version`` the highest active one, else the highest.

        Raises ``UnknownSpecification``.
        """
        versions = self._versions.get(specification)
        if versions is None:
            raise UnknownSpecification(specification, version, tuple(sorted(self._versions)))
        if version is None:
            return max(versions.values(), key=lambda spec: (spec.orderable, spec.version_order))
        try:
            return versions[version]
        except KeyError as error:
            raise UnknownSpecification(specification, version, tuple(sorted(versions))) from error

    def specifications(self) -> tuple[Specification, ...]:
        """Return every version of every specification, by id and rising version."""
        return tuple(
            sorted(
                (spec for versions in self._versions.values() for spec in versions.values()),
                key=lambda spec: (spec.id, spec.version_order),
            )
        )


def load_catalog(extra_dir: Path | None = None) -> Catalog:
    """Return the shipped specifications together with those in ``extra_dir`` (``*.yaml``).

    A file holds one version of one specification. Raises ``SpecificationFileError`` naming file
    and field for a file that does not parse, a wrong field, and an (id, version) given twice.
    """
    files = sorted(_SHIPPED.glob("*.yaml"))
    if extra_dir is not None:
        if not extra_dir.is_dir():
            raise SpecificationFileError(str(extra_dir), "", "is no folder")
        files += sorted(extra_dir.glob("*.yaml"))
    loaded: dict[tuple[str, str], tuple[str, Specification]] = {}
    for file in files:
        spec = _load(file)
        first = loaded.setdefault((spec.id, spec.version), (str(file), spec))
        if first[0] != str(file):
            raise SpecificationFileError(
                str(file), "version", f"{spec.id} {spec.version} is already in {first[0]}"
            )
    check_catalog(list(loaded.values()))
    return Catalog(spec for _, spec in loaded.values())


def _load(file: Path) -> Specification:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise SpecificationFileError(str(file), "", f"cannot be read: {error}") from error
    return parse_specification(str(file), content)


def parse_specification(source: str, content: object) -> Specification:
    """Return the specification that ``content`` describes, checked in itself.

    ``source`` names where it comes from. Raises ``SpecificationFileError`` naming the field.
    """
    if not isinstance(content, dict):
        raise SpecificationFileError(
            source, "", "must be a mapping with id, key, name, version, ..."
        )
    try:
        spec = Specification.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise SpecificationFileError(source, _field(first["loc"]), first["msg"]) from error
    check_specification(source, spec)
    return spec


def _field(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")
