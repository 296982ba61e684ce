"""A host's open connection as a session of the seam; every operation is a Nornir task."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host

from adapters.drivers import PooledSession
from adapters.errors import SessionLost
from adapters.nornir import tasks
from adapters.nornir.connection import NAME
from adapters.seam import ApplyMode, Capability, Query, Receipt, SiteEdits
from device_profiles.references import Users
from device_profiles.tree import Path, Tree


class Conversation:
    """Fulfils ``adapters.seam.Session`` for the only host of a Nornir.

    What an engineer's script runs on a device and what the gateway does on it is therefore the
    same code. Errors come out of it as they were raised, not as failed results.
    """

    def __init__(self, nornir: Nornir) -> None:
        """Open the connection. Raises AdapterError."""
        self._nornir = nornir
        self._host: Host = next(iter(nornir.inventory.hosts.values()))
        self._session: PooledSession = self._host.get_connection(NAME, nornir.config)
        self._ended = False

    def __repr__(self) -> str:
        return f"Conversation({self._host.name})"

    @property
    def alive(self) -> bool:
        """Whether the conversation is still open."""
        return self._session.alive

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this device can do."""
        return self._session.capabilities

    def read(self, scope: Collection[Path]) -> Tree:
        """Return what the device holds at and below the paths in ``scope``."""
        tree: Tree = self._result(tasks.read, scope=scope)
        return tree

    def users(self, entries: Collection[Path]) -> Users:
        """Return what else on the device refers to each of ``entries``."""
        found: Users = self._result(tasks.users, entries=entries)
        return found

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        """Return each query's value by name."""
        values: Mapping[str, str | None] = self._result(tasks.check, queries=queries)
        return values

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        """Bring all edits onto the device."""
        receipt: Receipt = self._result(tasks.apply, batch=batch, mode=mode)
        return receipt

    def confirm(self, transaction: str) -> None:
        """Make a confirmed commit permanent."""
        self._result(tasks.confirm, transaction=transaction)

    def cancel(self, transaction: str) -> None:
        """Take a confirmed commit back at once."""
        self._result(tasks.cancel, transaction=transaction)

    def save(self) -> None:
        """Make what the device holds survive its restart."""
        self._session.save()

    def evidence(self, scope: Collection[Path]) -> bytes:
        """Return what the device holds in ``scope``, for people to read."""
        return self._session.evidence(scope)

    def close(self) -> None:
        """Give the connection back; safe to call twice."""
        self._ended = True
        self._host.close_connections()

    def _result(self, task: Callable[..., Any], **arguments: Any) -> Any:
        if self._ended:  # Nornir would open a connection that nobody gives back
            raise SessionLost("the conversation has ended", device=self._host.name)
        # A host that failed once is asked again: what follows a failure is the caller's to say.
        ran = self._nornir.run(task, on_failed=True, **arguments)[self._host.name][0]
        if ran.exception is not None:
            raise ran.exception
        return ran.result
