"""Roles: what a device can be to a site, how it is found and what it needs, as data."""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from device_profiles.bounded_yaml import read_yaml
from rom.catalog.errors import SpecificationFileError

FILE = Path(__file__).with_name("roles.yaml")
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Reference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
"""A resource that the site holds and one of its attributes: ``bearer.device``."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Login(_Model):
    """How a unit is logged in to; secrets are kept as ``<name>/<site>``."""

    protocol: Name
    port: Annotated[int, Field(ge=1, le=65535)]
    user: str
    """The network parameter with the user's name, with dots into it."""
    password: Name
    options: Mapping[str, Name] = Field(default_factory=dict)


class Reflects(_Model):
    """How test packets reach a unit."""

    protocol: Name
    port: Annotated[int, Field(ge=1, le=65535)]


class Role(_Model):
    """One role; exactly one of ``named_by``, ``partner_of`` and ``unit`` says which device."""

    role: Name
    title: str
    named_by: Reference | None = None
    partner_of: Name | None = None
    unit: Name | None = None
    suffix: str = ""
    address: Reference | None = None
    boots_from: Reference | None = None
    login: Login | None = None
    reflects: Reflects | None = None
    proven_at: Name | None = None

    @model_validator(mode="after")
    def _is_found_in_one_way(self) -> Self:
        if sum(way is not None for way in (self.named_by, self.partner_of, self.unit)) != 1:
            raise ValueError("give one of named_by, partner_of and unit")
        of_unit = (self.address is not None, self.login is not None)
        if of_unit != (self.unit is not None,) * 2 or (self.suffix and self.unit is None):
            raise ValueError("address and login go with unit, and suffix with nothing else")
        if self.unit is None and (self.reflects is not None or self.boots_from is not None):
            raise ValueError("only a unit reflects, and only a unit boots")
        return self


class Roles(_Model):
    """All roles, in order of activation."""

    roles: tuple[Role, ...]

    @model_validator(mode="after")
    def _names_are_known_and_lead_somewhere(self) -> Self:
        names = [entry.role for entry in self.roles]
        if len(set(names)) != len(names):
            raise ValueError("a role is there twice")
        for entry in self.roles:
            for named in (entry.partner_of, entry.proven_at):
                if named is not None and (named not in names or named == entry.role):
                    raise ValueError(f"{entry.role}: no other role {named}")
            if entry.partner_of and self.by_name[entry.partner_of].named_by is None:
                raise ValueError(f"{entry.role}: {entry.partner_of} is no role with named_by")
        if sum(entry.reflects is not None for entry in self.roles) != 1:
            raise ValueError("exactly one role reflects")
        return self

    @cached_property
    def by_name(self) -> Mapping[str, Role]:
        """The roles by their names, in order of activation."""
        return {entry.role: entry for entry in self.roles}

    @property
    def reflector(self) -> tuple[Role, Reflects]:
        """The role whose device sends test packets back, and how they reach it."""
        return next((entry, entry.reflects) for entry in self.roles if entry.reflects is not None)

    def of_unit(self, device: str) -> Role:
        """Return the role of a unit by what its name ends in."""
        units = [entry for entry in self.roles if entry.unit is not None]
        fitting = [entry for entry in units if device.endswith(entry.suffix)]
        return max(fitting, key=lambda entry: len(entry.suffix))

    def position(self, role: str) -> int:
        """Return a role's place in the order of activation; an unknown one comes last."""
        names = list(self.by_name)
        return names.index(role) if role in self.by_name else len(names)

    def needs(self, role: str) -> frozenset[str]:
        """Return the names of the site's resources without which the device is not known."""
        entry = self.by_name[role]
        if entry.partner_of is not None:
            return self.needs(entry.partner_of)
        references = (entry.named_by, entry.address)
        return frozenset(reference.partition(".")[0] for reference in references if reference) | (
            {entry.unit} if entry.unit else set()
        )


@lru_cache(maxsize=8)
def load_roles(file: Path = FILE) -> Roles:
    """Return the roles of a file; raises ``SpecificationFileError`` naming the field."""
    try:
        return Roles.model_validate(read_yaml(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SpecificationFileError(str(file), "", f"cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise SpecificationFileError(str(file), field, first["msg"]) from error
