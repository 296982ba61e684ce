"""Profiles: what the gateway knows of a platform, as data loaded from ``<name>/profile.yaml``.

Without a folder, profiles are looked for in all there are (``device_profiles.folders``).
A profile is as its folder is now: what changes on disk is followed without a restart. While a
changed one cannot be read, its last good state goes on; ``check_profiles`` says what is wrong.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from device_profiles.bounded_yaml import read_yaml
from device_profiles.dialects import Dialect
from device_profiles.errors import ProfileError
from device_profiles.folders import SHIPPED, check_folders, folder_of, folders, names_in
from device_profiles.limits import Limit, NameOf
from device_profiles.models import CliModel, DataModel, RadiusModel, SnmpModel, YangModel
from device_profiles.steps import escaped, parse_step
from device_profiles.tree import Path

_SPOKEN = ("cli", "netconf")
"""Drivers whose platforms differ in how they speak."""
FOLDER = SHIPPED
Stamp = tuple[tuple[str, int, int], ...]
"""Name, time of change and size of each file of a profile."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quirks(_Model):
    """How this platform differs from what its protocol promises."""

    one_way: str = ""
    """Why nothing here is ever taken back altogether, and what is done instead; else empty."""


class CheckTemplate(_Model):
    """One operational check as the profile writes it; every text is a template."""

    name: str
    path: tuple[str, ...] = ()
    command: str = ""
    pattern: str = ""
    expect: str
    waiting: Mapping[str, str] = Field(default_factory=dict)
    otherwise: str = "CHECK_FAILED"
    when: str = ""

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if bool(self.path) == bool(self.command):
            raise ValueError("a check has either a path or a command")
        return self


class SerialQuery(_Model):
    """Where a unit shows its own serial number: a command whose answer the pattern takes apart."""

    command: str = Field(min_length=1)
    pattern: str = Field(min_length=1)
    """The first group is the serial number."""


class Health(_Model):
    """Where the operational state of an entry shows, and what says that it works.

    ``entry`` is the schema path of a configuration entry; a step of ``state`` may end in ``{n}``,
    which stands for the keys of the entry's n-th step that has any, counted from 0, or hold
    ``{n.key}``, the value of one of them, where state has another name for it.
    """

    entry: str
    state: tuple[str, ...]
    works: tuple[str, ...]

    def query_path(self, path: Path) -> Path:
        """Return where the state of the entry at ``path`` is."""
        keyed = [step for step in path if step.endswith("]")]

        def told(found: re.Match[str]) -> str:
            step = keyed[int(found[1])]
            if found[2] is None:
                return step[step.index("[") :]
            return escaped(dict(parse_step(step).keys)[found[2]])

        return tuple(re.sub(r"\{(\d+)(?:\.([\w-]+))?\}", told, step) for step in self.state)


class CircuitId(_Model):
    """What the platform writes into DHCP option 82 as a line's circuit-id (RFC 3046 section 3.1).

    ``text`` is a template over ``customer`` and ``res``; before all of the site's resources in
    ``needs`` are reserved there is none.
    """

    text: str = Field(min_length=1)
    needs: tuple[str, ...] = Field(min_length=1)


class Profile(_Model):
    """One platform: driver, dialect, quirks, data model, fragments and checks."""

    name: str
    title: str
    roles: tuple[str, ...]
    driver: Literal["netconf", "cli", "snmp", "kea", "radius", "rest"]
    options: Mapping[str, str] = Field(default_factory=dict)
    """Driver options, such as the service that a control agent serves."""
    dialect: Dialect | None = None
    """How the platform speaks its protocol; command lines and NETCONF servers have one."""
    quirks: Quirks = Quirks()
    yang: YangModel | None = None
    cli: CliModel | None = None
    data: DataModel | None = None
    snmp: SnmpModel | None = None
    radius: RadiusModel | None = None
    secrets: tuple[str, ...] = ()
    """Regular expressions of schema paths whose values are secret."""
    fragments: tuple[str, ...]
    checks: Mapping[str, tuple[CheckTemplate, ...]] = Field(default_factory=dict)
    health: tuple[Health, ...] = ()
    """What tells that a service keeps working, without knowing which service it is."""
    limits: Mapping[NameOf, Limit] = Field(default_factory=dict)
    """What the platform can take of names that its templates use."""
    circuit_id: CircuitId | None = None
    """``None`` where the platform inserts no option 82."""
    day0: str = Field(default="", pattern=r"^([\w-][\w.-]*\.j2)?$")
    """Template in the profile's folder of what a unit fetches at its first boot; empty where it
    fetches nothing."""
    day0_serial: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    """The HTTP header in which a unit names its serial number when it fetches that file. With one
    its whole configuration follows in the same file, and nothing more is heard of its first boot;
    empty for a file that fetches the rest by itself."""
    serial: SerialQuery | None = None
    """How a unit tells its serial number; ``None`` where it cannot."""
    exec_lines: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Per fragment, lines to execute that no configuration file can hold."""
    tables: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    """Look-up tables for templates, such as IOS spellings of time zones."""
    folder: FilePath = Field(repr=False)
    stamp: Stamp = Field(default=(), repr=False)
    """What its files were when it was read."""

    @model_validator(mode="before")
    @classmethod
    def _dialect_of_its_driver(cls, document: Any) -> Any:
        """Read the dialect as one of the profile's driver, which its file does not repeat."""
        if not isinstance(document, dict) or document.get("driver") not in _SPOKEN:
            return document
        dialect = document.get("dialect") or {}
        if not isinstance(dialect, dict):
            return document
        return {**document, "dialect": {"driver": document["driver"], **dialect}}

    @model_validator(mode="after")
    def _has_one_model(self) -> Self:
        models = [self.yang, self.cli, self.data, self.snmp, self.radius]
        if sum(model is not None for model in models) != 1:
            raise ValueError("exactly one of yang, cli, data, snmp, radius describes the data")
        for pattern in self.secrets:
            re.compile(pattern)
        return self

    def has_model_of(self, other: Self) -> bool:
        """Tell whether what the other platform's profile has written can be read by this one's."""
        return all(
            getattr(self, part) == getattr(other, part)
            for part in ("driver", "yang", "cli", "data", "snmp", "radius")
        )

    def is_secret(self, path: Path) -> bool:
        """Tell whether the value at ``path`` is a secret, wanted as reference, read as digest."""
        if not self.secrets:
            return False
        steps = path if self.cli else tuple(parse_step(step).name for step in path)
        return _secret(self.secrets, "/" + "/".join(steps))


@lru_cache(maxsize=65536)
def _secret(patterns: tuple[str, ...], schema: str) -> bool:
    return any(re.fullmatch(pattern, schema) for pattern in patterns)


def profiles(folder: FilePath | None = None) -> tuple[str, ...]:
    """Return the names of all profiles, or of those below ``folder``, sorted."""
    places = folders() if folder is None else (folder,)
    return tuple(sorted({name for place in places for name in names_in(place)}))


_last_good: dict[tuple[str, FilePath], Profile] = {}


def load_profile(name: str, folder: FilePath | None = None) -> Profile:
    """Return the profile ``name`` as it is on disk now, or as it was last when it is broken.

    Raises ProfileError naming the file, and the field where one is wrong.
    """
    place = folder or folder_of(name)
    try:
        profile = _read(name, place, stamp(name, folder))
    except ProfileError:
        good = _last_good.get((name, place))
        if good is None or name not in profiles(folder):
            raise
        return good
    _last_good[name, place] = profile
    return profile


def check_profile(name: str, folder: FilePath | None = None) -> Profile:
    """Return a profile as it is on disk now; raises ProfileError when it is broken."""
    return _read(name, folder or folder_of(name), stamp(name, folder))


def check_profiles(folder: FilePath | None = None) -> tuple[Profile, ...]:
    """Return all profiles as they are on disk now.

    Raises ProfileError for a broken one, for one that is there twice and for a missing folder.
    """
    if folder is None:
        check_folders()
    return tuple(check_profile(name, folder) for name in profiles(folder))


def stamp(name: str, folder: FilePath | None = None) -> Stamp:
    """Return by what a change of a profile's files is seen; raises ProfileError for none."""
    own = (folder or folder_of(name)) / name
    try:
        files = [
            own / "profile.yaml",
            *sorted(own.glob("*.j2")),
            *sorted((own / "fragments").glob("*")),
        ]
        found = [(file.name, file.stat()) for file in files]
    except OSError as error:
        known = ", ".join(profiles(folder))
        raise ProfileError(f"no profile {name!r}; there are {known}") from error
    return tuple((file, status.st_mtime_ns, status.st_size) for file, status in found)


@lru_cache(maxsize=256)
def _read(name: str, folder: FilePath, stamp: Stamp) -> Profile:
    file = folder / name / "profile.yaml"
    document = load_yaml(file)
    if document.get("name") != name:
        raise ProfileError(f"{file}: name: must be the folder's name {name!r}")
    try:
        profile = Profile(**document, folder=file.parent, stamp=stamp)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'profile'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise ProfileError(f"{file}: {problems}") from error
    if profile.day0 and not (profile.folder / profile.day0).is_file():
        raise ProfileError(f"{file}: day0: there is no file {profile.day0}")
    for fragment in profile.fragments:
        if fragment_file(profile, fragment) is None:
            raise ProfileError(f"{file}: fragments: {fragment} has no file in fragments/")
    return profile


def fragment_file(profile: Profile, fragment: str) -> FilePath | None:
    """Return the template file of a fragment, ``None`` where the profile has none."""
    for suffix in (".yaml", ".j2"):
        file = profile.folder / "fragments" / f"{fragment}{suffix}"
        if file.is_file():
            return file
    return None


def modules_used(profile: Profile) -> frozenset[str]:
    """Return the YANG modules that templates, checks and health name: what a device must have.

    A profile may describe more than that, because modules come with those they import.
    """
    if profile.yang is None:
        return frozenset()
    files = (fragment_file(profile, fragment) for fragment in profile.fragments)
    texts = [file.read_text(encoding="utf-8") for file in files if file is not None]
    for made in profile.checks.values():
        texts += ["/".join((*check.path, check.expect)) for check in made]
    texts += ["/".join((each.entry, *each.state)) for each in profile.health]
    whole = "\n".join(texts)
    return frozenset(
        module
        for module in profile.yang.namespaces
        if re.search(rf"(?<![\w.-]){re.escape(module)}:", whole)
    )


def load_yaml(file: FilePath) -> dict[str, Any]:
    """Return a YAML file that must hold a mapping. Raises ProfileError naming the file."""
    try:
        document = read_yaml(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileError(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise ProfileError(f"{file}: must hold a mapping")
    return document
