"""Reads specification files and answers which specifications there are.

A file holds one version of one specification.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from device_profiles.bounded_yaml import read_yaml
from device_profiles.errors import ProfileError
from device_profiles.folders import check_folders
from device_profiles.profile import check_profiles, profiles, stamp
from rom.catalog.consistency import check_catalog, check_specification
from rom.catalog.errors import CatalogError, SpecificationFileError, UnknownSpecification
from rom.catalog.fitness import Fitness, Named, depths
from rom.catalog.roles import load_roles
from rom.catalog.specification import Specification

_SHIPPED = Path(__file__).parent / "specifications"


class Catalog:
    """All specifications in all their versions; ``replace`` changes them all at once."""

    def __init__(self, specifications: Iterable[Specification]) -> None:
        self._versions: Mapping[str, Mapping[str, Specification]] = {}
        self._depths: Mapping[str, int] = {}
        self.replace(specifications)

    def replace(self, specifications: Iterable[Specification]) -> None:
        """Let these be the catalog; who reads meanwhile sees the one or the other."""
        versions: dict[str, dict[str, Specification]] = {}
        for spec in specifications:
            versions.setdefault(spec.id, {})[spec.version] = spec
        self._versions = versions
        self._depths = depths(self.specifications())

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

    def sequence(self, key: str) -> tuple[int, str]:
        """Return a sort key by which an item of a site comes after those whose keys it needs."""
        return (self._depths.get(key, len(self._depths)), key)

    def specifications(self) -> tuple[Specification, ...]:
        """Return every version of every specification, by id and rising version."""
        return tuple(
            sorted(
                (spec for versions in self._versions.values() for spec in versions.values()),
                key=lambda spec: (spec.id, spec.version_order),
            )
        )


class FileCatalog(Catalog):
    """The catalog of the shipped files and those of an operator's folder."""

    def __init__(self, extra_dir: Path | None = None, platforms: Path | None = None) -> None:
        super().__init__(())
        self._folders = (_SHIPPED,) if extra_dir is None else (_SHIPPED, extra_dir)
        self._platforms = platforms
        self._seen: object = None
        self._sources: tuple[Named, ...] = ()
        self._gone: dict[tuple[str, str], Specification] = {}
        """Whose files went away: retired, because orders of before still ask for them."""
        self.reload()

    @property
    def sources(self) -> tuple[Named, ...]:
        """Every specification with the file it comes from."""
        return self._sources

    @property
    def fitness(self) -> Fitness:
        """What judges specifications by the roles and platforms of now; ``CatalogError``."""
        try:
            return Fitness(load_roles(), check_profiles(self._platforms))
        except ProfileError as error:
            raise CatalogError(str(error)) from error

    def reload(self) -> bool:
        """Read again what has changed on disk; tell whether anything has.

        Raises ``CatalogError``, ``SpecificationFileError`` naming file and field, for a platform
        or a specification that cannot be used; then the catalog stays as it was, and the next
        call tries again.
        """
        seen = (self._stamp(), _platform_stamp(self._platforms))
        if seen == self._seen:
            return False
        loaded = _loaded(self._files())
        check_catalog(loaded)
        self.fitness.check(loaded)
        now = {(spec.id, spec.version) for _, spec in loaded}
        self._gone |= {(spec.id, spec.version): _retired(spec) for _, spec in self._sources}
        self._gone = {name: spec for name, spec in self._gone.items() if name not in now}
        self._sources = tuple(loaded)
        self.replace([*(spec for _, spec in loaded), *self._gone.values()])
        self._seen = seen
        return True

    def _files(self) -> list[Path]:
        for folder in self._folders:
            if not folder.is_dir():
                raise SpecificationFileError(str(folder), "", "is no folder")
        return [file for folder in self._folders for file in sorted(folder.glob("*.yaml"))]

    def _stamp(self) -> list[tuple[Path, int, int]]:
        try:
            found = [(file, file.stat()) for file in self._files()]
        except OSError as error:
            raise SpecificationFileError("", "", f"cannot be read: {error}") from error
        return [(file, status.st_mtime_ns, status.st_size) for file, status in found]


def load_catalog(extra_dir: Path | None = None, platforms: Path | None = None) -> FileCatalog:
    """Return the shipped specifications together with those in ``extra_dir`` (``*.yaml``).

    They are judged by the profiles in ``platforms``, without it by all there are.
    Raises ``SpecificationFileError`` naming file and field for a file that does not parse, a wrong
    field, an (id, version) given twice, and what no role or platform can carry; ``CatalogError``
    for a broken profile.
    """
    return FileCatalog(extra_dir, platforms)


def _retired(spec: Specification) -> Specification:
    return spec.model_copy(update={"lifecycleStatus": "Retired"})


def _platform_stamp(platforms: Path | None) -> object:
    try:
        if platforms is None:
            check_folders()
        return [(name, stamp(name, platforms)) for name in profiles(platforms)]
    except ProfileError as error:
        raise CatalogError(str(error)) from error


def _loaded(files: Iterable[Path]) -> list[Named]:
    loaded: dict[tuple[str, str], Named] = {}
    for file in files:
        spec = _load(file)
        first = loaded.setdefault((spec.id, spec.version), (str(file), spec))
        if first[0] != str(file):
            raise SpecificationFileError(
                str(file), "version", f"{spec.id} {spec.version} is already in {first[0]}"
            )
    return list(loaded.values())


def _load(file: Path) -> Specification:
    try:
        content = read_yaml(file.read_text(encoding="utf-8"))
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
