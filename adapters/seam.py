"""The one seam to the network: what every protocol adapter can do with one device.

The engine above speaks only of canonical trees and edits; the protocol, its framing and its quirks
stay below. Strategy follows from ``Session.capabilities``, never from a vendor's name.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pydantic import SecretStr

from device_profiles.references import Users
from device_profiles.tree import Edit, Path, Tree

SecretResolver = Callable[[str], SecretStr]
"""Turns the name in ``secret:<name>`` into its value at the moment of sending."""


class Capability(StrEnum):
    """What a device can do, as found in its hello or declared by its profile."""

    TRANSACTION = "transaction"  # edits of one apply take effect together or not at all
    CONFIRMED_COMMIT = "confirmed-commit"  # it goes back by itself unless it is told to stay
    PERSIST = "persist"  # a confirmed commit outlives its session: any session may confirm it
    EDIT_ISOLATION = "edit-isolation"  # a refused site's edit leaves the others' standing
    LOCK = "lock"
    EVIDENCE = "evidence"  # it can show what it holds, for people to read
    STARTUP = "startup"  # running must be saved to survive a restart


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to reach one device; made fresh from inventory, never stored with its secrets."""

    device: str
    profile: str
    host: str
    port: int
    username: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    """A password or, for SSH, a private key in its text form."""
    host_key: str | None = None
    """OpenSSH public key line the device must present; ``None`` refuses every SSH host key."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Profile-specific extras such as an SNMP engine's privacy password name or a URL path."""
    other_password: SecretStr | None = None
    """Tried once where ``password`` is refused: a new one may or may not have been taken."""


@dataclass(frozen=True, slots=True)
class SiteEdits:
    """One site's edits of a device transaction."""

    site: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class ApplyMode:
    """How to bring edits onto the device.

    ``transaction`` names the device transaction; where the device can, it becomes the persist-id.
    With ``confirm_within`` (seconds) the device reverts by itself unless ``confirm`` follows.
    """

    transaction: str
    confirm_within: int | None = None
    before_commit: Callable[[], None] | None = None
    """Called after all edits were accepted and before the commit leaves (ledger, fencing)."""
    relies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Sites whose edits are right only together with those of other sites of the batch, such as
    one that uses a template another one brings: where one of those is refused they are not tried.
    """


class SiteOutcome(StrEnum):
    """What became of one site's edits."""

    APPLIED = "applied"
    REFUSED = "refused"
    NOT_TRIED = "not-tried"


@dataclass(frozen=True, slots=True)
class SiteReceipt:
    """One site's part of a receipt; ``error`` is the device's own words when refused."""

    site: str
    outcome: SiteOutcome
    error: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the device answered to one ``apply``."""

    transaction: str
    sites: tuple[SiteReceipt, ...]
    confirming: bool = False
    """True while a confirmed commit waits for ``confirm``."""
    sent: str = ""
    """What left, in the device's own format, secrets masked."""


@dataclass(frozen=True, slots=True)
class Query:
    """One operational fact to ask for.

    ``path`` for YANG and MIB objects, ``command`` with ``pattern`` (first group is the value) for
    command lines; the profile's checks say which.
    """

    name: str
    path: Path = ()
    command: str = ""
    pattern: str = ""


class Session(Protocol):
    """An open, authenticated conversation with one device.

    Every method raises only subclasses of ``adapters.errors.AdapterError``.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this device can do."""

    def read(self, scope: Collection[Path]) -> Tree:
        """Return what the device holds at and below the paths in ``scope``; absent ones miss.

        Entries that a found path lies in are told too, without the rest of their contents.
        """

    def users(self, entries: Collection[Path]) -> Users:
        """Return what else on the device refers to each of ``entries``, as the profile says.

        Entries that nothing refers to are absent, all of them where the profile names no
        references.
        """

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        """Bring all edits onto the device in one transaction where it can; save if it must."""

    def confirm(self, transaction: str) -> None:
        """Make a confirmed commit of ``transaction`` permanent.

        With ``PERSIST`` any session may, else only the one that made it.
        """

    def cancel(self, transaction: str) -> None:
        """Take a confirmed commit of ``transaction`` back at once.

        Without ``PERSIST`` from another session: make sure that none is under way any more.
        """

    def save(self) -> None:
        """Make what the device holds survive its restart; does nothing without ``STARTUP``."""

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        """Return each query's value by name, ``None`` where the device has none."""

    def evidence(self, scope: Collection[Path]) -> bytes:
        """Return what the device holds in ``scope``, for people to read; only with ``EVIDENCE``.

        As close to its own format as can be. What is shown in one piece only is shown whole.
        """

    def close(self) -> None:
        """End the conversation; safe to call twice."""
