"""What the router keeps beside its configurations: keys, SNMP users, ifAlias, whether it has power.

``private.json`` and ``offer.json`` are written with the startup configuration; ``live.json`` lets
the simulation itself be restarted under a running router; ``snmp.json`` is what managers wrote. All
are readable by us only.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mock_devices.ce.network import Offer
from mock_devices.ce.snmp_tables import Memory
from mock_devices.cli.machine import write_durably


@dataclass(frozen=True, slots=True)
class UserEntry:
    """One ``snmp-server user``: never shown in a configuration."""

    name: str
    group: str
    algorithm: str
    key_bits: str
    authentication: str = field(repr=False)
    privacy: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Private:
    """Key pair label, SNMP users, and the accounts of a boot file."""

    key_label: str = ""
    users: tuple[UserEntry, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Passwords by user name."""

    def with_user(self, user: UserEntry) -> "Private":
        """Return these with a user added or replaced."""
        return replace(self, users=(*self.without_user(user.name).users, user))

    def without_user(self, name: str) -> "Private":
        """Return these without a user."""
        return replace(self, users=tuple(user for user in self.users if user.name != name))


class Nvram:
    """Reads and writes the files in the router's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _load(self, name: str) -> dict[str, object] | None:
        path = self._folder / name
        if not path.exists():
            return None
        content: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return content

    def _store(self, name: str, content: dict[str, object]) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        write_durably(path, json.dumps(content))
        path.chmod(0o600)

    def forget(self, *names: str) -> None:
        """Remove files."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def private(self) -> Private:
        """Return what was saved with the startup configuration."""
        return _private(self._load("private.json") or {})

    def save_private(self, private: Private) -> None:
        """Write keys and users, as ``write memory`` does."""
        self._store("private.json", asdict(private))

    def live(self) -> tuple[Private, Offer | None] | None:
        """Return the running router's volatile state, None when it had no power."""
        content = self._load("live.json")
        if content is None:
            return None
        private = content["private"]
        return _private(private if isinstance(private, dict) else {}), _offer(content["offer"])

    def save_live(self, private: Private, offer: Offer | None) -> None:
        """Write the running router's volatile state."""
        self._store("live.json", {"private": asdict(private), "offer": _kept(offer)})

    def offer(self) -> Offer | None:
        """Return the circuit's offer under which the startup configuration was saved."""
        return _offer((self._load("offer.json") or {}).get("offer"))

    def save_offer(self, offer: Offer | None) -> None:
        """Write the circuit's offer: the saved configuration holds its address from now on."""
        self._store("offer.json", {"offer": _kept(offer)})

    def memory(self) -> Memory:
        """Return what managers wrote by SNMP."""
        content = self._load("snmp.json")
        return Memory(**content) if content else Memory()  # type: ignore[arg-type]  # as stored

    def save_memory(self, memory: Memory) -> None:
        """Write what managers wrote by SNMP."""
        self._store("snmp.json", asdict(memory))

    def next_boot(self) -> int:
        """Return the number of this start, which SNMP's engine boots counts."""
        content = self._load("boots.json") or {}
        count = int(str(content.get("boots", 0))) + 1
        self._store("boots.json", {"boots": count})
        return count


def _kept(offer: Offer | None) -> dict[str, object] | None:
    return {**asdict(offer), "headers": dict(offer.headers)} if offer else None


def _offer(content: object) -> Offer | None:
    return Offer(**content) if isinstance(content, dict) else None


def _private(content: dict[str, object]) -> Private:
    users, accounts = content.get("users", []), content.get("accounts", {})
    return Private(
        str(content.get("key_label", "")),
        tuple(UserEntry(**user) for user in users) if isinstance(users, list) else (),
        dict(accounts) if isinstance(accounts, dict) else {},
    )
