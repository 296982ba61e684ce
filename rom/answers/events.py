"""Answers about listeners and what could not be delivered to them."""

from pydantic import Field, JsonValue

from rom.answers.answer import Answer


class NewListener(Answer):
    """A listener as its registration is answered (TMF630, ``EventSubscription``)."""

    id: str
    callback: str
    query: str


class Delivery(Answer):
    """How delivery to a listener stands."""

    state: str
    delivered: int
    waiting: int
    waiting_since: str | None = Field(alias="waitingSince")
    dead_letters: int = Field(alias="deadLetters")
    failures_in_a_row: int = Field(alias="failuresInARow")
    next_attempt: str | None = Field(alias="nextAttempt")
    last_success: str | None = Field(alias="lastSuccess")
    last_failure: str | None = Field(alias="lastFailure")
    last_error: str | None = Field(alias="lastError")


class ListenerStatus(NewListener):
    """A listener of any hub, as the NOC sees it."""

    api: str
    owner: str
    signed: bool
    created_date: str = Field(alias="createdDate")
    delivery: Delivery


class DeadLetterLine(Answer):
    """An event that could not be delivered."""

    id: str
    listener: str
    callback: str
    order: str
    event_id: str | None = Field(alias="eventId")
    event_type: str = Field(alias="eventType")
    event_time: str = Field(alias="eventTime")
    attempts: int
    dead_since: str = Field(alias="deadSince")
    error: str | None


class WholeDeadLetter(DeadLetterLine):
    """The same with the notification."""

    notification: dict[str, JsonValue]


class Replayed(Answer):
    """How many events are sent again."""

    replayed: int
