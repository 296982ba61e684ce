"""Answers about orders: what was allocated, sent, measured and done for one."""

from typing import Any

from pydantic import JsonValue

from rom.answers.answer import Answer
from rom.answers.sites import TakenBack
from rom.model.transaction import TransactionState
from rom.model.verdict import Outcome

Document = dict[str, Any]
"""A TM Forum document on its way out."""


class AllocationLine(Answer):
    """What an item got, in the words of the worked example's table."""

    item: str
    specification: str
    resource: str
    type: str
    value: str | None
    site: str


class TransactionLine(Answer):
    """One device transaction; ``sent`` is in the device's own format, secrets masked."""

    id: str
    device: str
    role: str
    state: TransactionState
    sites: tuple[str, ...]
    edits: int
    sent: str
    error: str | None
    seconds: float | None
    """From start to end; ``None`` while it lasts."""


class StepLine(Answer):
    """A step of an item and when it was reached."""

    item: str
    step: str
    state: str
    time: str
    note: str | None


class BackOut(Answer):
    """A modify that a device has refused, and how the others went back."""

    refused: str
    """The device that refused it, with its words."""
    verdict: Outcome
    devices: tuple[TakenBack, ...]


class BackOutLine(BackOut):
    """The back-out of one item."""

    item: str
    time: str


class OrderReport(Answer):
    """The story of an order."""

    order: Document
    """As TMF652 has it."""
    allocations: tuple[AllocationLine, ...]
    transactions: tuple[TransactionLine, ...]
    unchanged: tuple[str, ...]
    """Devices that held all of it already."""
    measurements: tuple[dict[str, JsonValue], ...]
    """Evidence as it was kept, each with its item."""
    back_outs: tuple[BackOutLine, ...] = ()
    """Oldest first."""
    steps: tuple[StepLine, ...]
