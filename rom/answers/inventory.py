"""Answers about the inventory."""

from rom.answers.answer import Answer


class PoolLine(Answer):
    """How full a pool is, in entries or bit/s; ``None`` where it makes values as needed."""

    name: str
    kind: str
    mode: str
    capacity: int | None
    free: int | None
    watermark: int | None
    low: bool
    """Whether less is free than planning wants to keep."""


class Loaded(Answer):
    """How many entries a load has created, changed and removed."""

    created: int
    changed: int
    removed: int
