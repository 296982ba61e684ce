"""Answers about secrets: what there is by name, never a value."""

from pydantic import Field

from rom.answers.answer import Answer


class SecretLine(Answer):
    """A secret that people have entered, or that a device names."""

    name: str
    is_set: bool = Field(alias="isSet")
    """Whether anybody has entered it."""
    set_at: str | None = Field(alias="setAt")
    set_by: str = Field(alias="setBy")
    used_by: tuple[str, ...] = Field(alias="usedBy")
    """The devices that name it."""
