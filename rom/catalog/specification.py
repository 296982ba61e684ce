"""A specification (RFS): what may be ordered, what it reserves, configures and waits for."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rom.catalog.patterns import MAX_PATTERN, check_pattern

CharacteristicType = Literal["string", "integer", "number", "bandwidth", "boolean", "enum"]
Step = Literal["reserve", "stage", "configure", "verify", "measure"]
STEPS: tuple[Step, ...] = get_args(Step)
"""All steps, in the order in which an item takes them."""
Point = Literal["stage", "configure", "verify", "measure", "complete"]
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
"""A role of ``roles.yaml``; ``rom.catalog.fitness`` checks that there is one."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
Scalar = str | int | float | bool
Expression = Annotated[str, Field(min_length=1, max_length=500)]


class _Model(BaseModel):
    # Strict, so that a YAML ``version: 1.10`` is refused instead of becoming 1.1.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Characteristic(_Model):
    """One value an order gives; limits of a bandwidth are written as bandwidths (``10G``)."""

    name: Name
    type: CharacteristicType
    required: bool = False
    default: Scalar | None = None
    pattern: str | None = Field(default=None, max_length=MAX_PATTERN)
    """For strings: a regular expression that the whole value must match."""
    enum: tuple[str, ...] = ()
    minimum: str | int | float | None = None
    maximum: str | int | float | None = None
    unit: str | None = None
    description: str = ""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            check_pattern(value)
        return value

    @field_validator("enum", mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _options_fit_the_type(self) -> "Characteristic":
        if (self.type == "enum") != bool(self.enum):
            raise ValueError("enum needs type enum and at least one value, and only then")
        if self.pattern is not None and self.type != "string":
            raise ValueError("pattern is only for type string")
        if self.type in ("string", "boolean", "enum") and (
            self.minimum is not None or self.maximum is not None
        ):
            raise ValueError(f"minimum and maximum are not for type {self.type}")
        if self.required and self.default is not None:
            raise ValueError("a required characteristic has no default")
        return self


class Derived(_Model):
    """A value computed from characteristics and earlier derived values."""

    name: Name
    type: CharacteristicType = "string"
    expression: Expression
    description: str = ""


class Reserve(_Model):
    """One resource to reserve for the site.

    ``match`` values are expressions over characteristics, derived values and ``site`` (the site's
    key); ``@bearer.device`` is passed on for inventory to take from the bundle itself.
    """

    name: Name
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    match: dict[str, Expression] = Field(default_factory=dict)
    amount: Expression | None = None
    when: Expression | None = None


class Configure(_Model):
    """One fragment to bring onto the device of a role at this site."""

    role: RoleName
    fragment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    step: Literal["stage", "configure"] = "configure"
    via: Literal["adapter", "ztp"] = "adapter"
    """``ztp``: the device fetches it at its first boot, so the gateway does not push it."""
    optional: bool = False
    """Whether a platform whose profile lacks the fragment simply has nothing to configure."""
    when: Expression | None = None


class Precondition(_Model):
    """A technical precondition, apart from the relationships that the order gives.

    Before ``before``, the same site's items of every key in ``needs`` must have ``reached``:
    ``committed`` (on the device, read back) or ``completed`` (proven).
    """

    before: Point
    needs: tuple[Name, ...] = Field(min_length=1)
    reached: Literal["committed", "completed"] = "committed"

    @field_validator("needs", mode="before")
    @classmethod
    def _from_list(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


class ResourceType(_Model):
    """How the item appears in the allocation table; ``shows`` is over ``res`` and ``item``."""

    category: Literal["Physical", "Logical"]
    label: str
    shows: Expression


class Specification(_Model):
    """One version of one RFS, as loaded from its file."""

    id: Annotated[str, Field(pattern=r"^RFS:[A-Za-z0-9][A-Za-z0-9-]{0,63}$")]
    key: Name
    """What the specification is to a site; a site has at most one item of each key."""
    name: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$")]
    description: str = ""
    lifecycleStatus: Literal["In design", "Active", "Retired"] = "Active"  # noqa: N815 - TMF634
    resource_type: ResourceType
    characteristics: tuple[Characteristic, ...] = ()
    derive: tuple[Derived, ...] = ()
    reserve: tuple[Reserve, ...] = ()
    configure: tuple[Configure, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    steps: tuple[Step, ...] = ("reserve", "configure", "verify")

    @field_validator(
        "characteristics", "derive", "reserve", "configure", "preconditions", "steps", mode="before"
    )
    @classmethod
    def _from_list(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value

    @property
    def orderable(self) -> bool:
        """Whether new orders may add it; existing ones live on under a retired one."""
        return self.lifecycleStatus == "Active"

    @property
    def first_step_out(self) -> Literal["stage", "configure"]:
        """The step by which the item leaves for its devices."""
        return "stage" if "stage" in self.steps else "configure"

    @property
    def needed_keys(self) -> frozenset[str]:
        """The keys of all items of the site that some precondition names."""
        return frozenset(need for entry in self.preconditions for need in entry.needs)

    @property
    def version_order(self) -> tuple[int, ...]:
        """The version as numbers, so that 1.10 comes after 1.9."""
        return tuple(int(part) for part in self.version.split("."))
