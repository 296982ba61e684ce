"""Answers about the trail of deeds."""

from pydantic import Field, JsonValue

from rom.answers.answer import Answer


class TrailEntry(Answer):
    """A deed in its place, with what is needed to compute the chain again."""

    place: int
    time: str
    deed: str
    actor: str
    actor_kind: str = Field(alias="actorKind")
    client: str
    request_id: str = Field(alias="requestId")
    sites: tuple[str, ...]
    devices: tuple[str, ...]
    order: str
    subject: str
    ticket: str
    reason: str
    details: dict[str, JsonValue]
    digest: str
    """SHA-256 of the members from ``time`` to ``details``."""
    previous: str
    """Link of the entry before."""
    link: str


class TrailFault(Answer):
    """Where the trail is not what was written."""

    place: int
    text: str


class TrailVerification(Answer):
    """What a verification has found."""

    intact: bool
    head: str
    """``PLACE:LINK`` of the last entry: noted elsewhere, it shows later that none has gone."""
    faults: tuple[TrailFault, ...]
