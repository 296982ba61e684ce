"""The plan of a rollout: which orders go out together, and what lets the next ones go."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from device_profiles.bounded_yaml import read_yaml


class PlanError(ValueError):
    """The plan cannot be played; the text names the file, the field and the fix."""


class Wave(BaseModel):
    """Orders that go out together, and what lets the next wave follow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    orders: tuple[str, ...] = Field(min_length=1)
    """Files of TMF652 orders, beside the plan's own."""
    completedPercent: int = Field(default=100, ge=0, le=100)  # noqa: N815 - the name in the file
    """Share of the wave's orders that must be completed before the next wave."""


class RolloutPlan(BaseModel):
    """Waves in their order; no order file may be named twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    waves: tuple[Wave, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_order_once(self) -> "RolloutPlan":
        files = [file for wave in self.waves for file in wave.orders]
        for file in files:
            if files.count(file) > 1:
                message = f"order {file} is named twice; an order goes out once"
                raise ValueError(message)
        return self


def load_plan(file: Path) -> tuple[RolloutPlan, dict[str, bytes]]:
    """Return the plan and the text of every order it names; raises ``PlanError``."""
    try:
        read: Any = read_yaml(file.read_text(encoding="utf-8"))
        plan = RolloutPlan.model_validate(read)
        names = [name for wave in plan.waves for name in wave.orders]
        return plan, {name: (file.parent / name).read_bytes() for name in names}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{file} is no YAML: {error}"
        raise PlanError(message) from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "plan"
        message = f"{file}: {place}: {first['msg']}"
        raise PlanError(message) from error
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror}"
        raise PlanError(message) from error
