"""Deeds: who has done what, at which site and device, why and from where.

An ``Actor`` is handed down from the face that knows who asks to whatever does the deed, so that
no thread can take somebody else's name over.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from device_profiles.words import Word

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


class ActorKind(Word):
    """By what an actor's name is known."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    """A token of the gateway's own."""
    ISSUER = "issuer"
    """The subject of an access token."""
    OPEN = "open"
    """Nobody has proven anything: the lab is open."""
    COMMAND = "command"
    """A user of the operating system, at the command line."""
    ROUTER = "router"
    """A router that has proven its circuit and serial number."""
    GATEWAY = "gateway"
    """The gateway by itself."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and where the request came from."""

    name: str
    kind: str
    """An ``ActorKind``; of an entry that was read, whatever is written there."""
    client: str = ""
    """Address of the client, or name of the host where a command was run."""
    request_id: str = ""
    """What the request's log lines have too."""


GATEWAY = Actor("gateway", ActorKind.GATEWAY)
"""The gateway itself, where nobody has asked for what it does."""


class DeedKind(Word):
    """What was done."""

    ORDER_CREATED = "order.created"
    ORDER_AMENDED = "order.amended"
    ORDER_DELETED = "order.deleted"
    CANCELLATION_ASKED = "order.cancellationAsked"
    ORDER_RETRIED = "order.retried"
    ITEM_COMPLETED = "order.itemCompletedByHand"
    DEVICE_GIVEN_UP = "order.deviceGivenUp"
    CHANGE_BACKED_OUT = "order.changeBackedOut"
    CONFIGURATION_FETCHED = "site.configurationFetched"
    """A router was given its first configuration, with the site's secrets."""
    SITE_ROLLED_BACK = "site.rollbackStarted"
    SITE_REPAIRED = "site.repaired"
    SECRET_SET = "secret.set"  # noqa: S105 - a word, no secret
    SECRET_DELETED = "secret.deleted"  # noqa: S105 - a word, no secret
    SECRET_ROTATED = "secret.rotated"  # noqa: S105 - a word, no secret
    SECRET_DROPPED = "secret.formerValueDropped"  # noqa: S105 - a word, no secret
    MASTER_KEY_ROTATED = "secret.masterKeyRotated"
    DEVICE_ADDED = "device.added"
    DEVICE_TRUSTED = "device.hostKeyPinned"
    HOST_KEY_FORGOTTEN = "device.hostKeyForgotten"
    LEASE_TAKEN_OVER = "device.leaseTakenOver"
    INVENTORY_LOADED = "inventory.loaded"
    ENDPOINTS_IMPORTED = "inventory.endpointsImported"
    RESOURCE_ANNOTATED = "inventory.resourceAnnotated"
    SPECIFICATION_CREATED = "catalog.specificationCreated"
    SPECIFICATION_CHANGED = "catalog.specificationChanged"
    SPECIFICATION_WITHDRAWN = "catalog.specificationWithdrawn"
    LISTENER_REGISTERED = "events.listenerRegistered"
    LISTENER_REMOVED = "events.listenerRemoved"
    LISTENER_NARROWED = "events.listenerLimitsChanged"
    DEAD_LETTERS_RESENT = "events.deadLettersResent"
    TOKEN_CREATED = "token.created"  # noqa: S105 - a word, no secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - a word, no secret


@dataclass(frozen=True, slots=True)
class Deed:
    """One deed. Nothing in it is a secret: secrets, tokens and listeners are named."""

    kind: str
    """A ``DeedKind``; of an entry that was read, whatever is written there."""
    actor: Actor
    sites: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    order_id: str = ""
    subject: str = ""
    """What else it was done to: a secret's or token's name, a task's id, a file."""
    ticket: str = ""
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed in its place of the trail; ``previous`` and ``link`` chain it to the one before."""

    place: int
    time: datetime
    deed: Deed
    digest: bytes
    """SHA-256 of the canonical bytes of time and deed."""
    previous: bytes
    link: bytes
    """SHA-256 over ``previous``, the place and the digest."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last place of the trail and its link."""

    place: int
    link: bytes

    def __str__(self) -> str:
        return f"{self.place}:{self.link.hex()}"

    @staticmethod
    def read(text: str) -> "Head":
        """Return the head that was written as ``PLACE:LINK``; raises ``ValueError``."""
        form = _HEAD.fullmatch(text)
        if form is None:
            raise ValueError("a head is PLACE:LINK, as rom audit verify has told it")
        return Head(int(form[1]), bytes.fromhex(form[2]))
