"""An SNMPv3 agent behind the seam: GET, compare, one SET a row."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from adapters.errors import (
    AdapterError,
    DeviceTimeout,
    EditRefused,
    SecretUnavailable,
    SessionLost,
    Unsupported,
)
from adapters.faults.codec import codec_errors
from adapters.receipts import changes_of, receipt
from adapters.seam import (
    ApplyMode,
    Capability,
    Endpoint,
    Query,
    Receipt,
    SecretResolver,
    SiteEdits,
)
from adapters.secrets import Secrets
from adapters.snmp.engine import Agent
from device_profiles.native import native
from device_profiles.profile import Profile
from device_profiles.references import Users
from device_profiles.snmp import SnmpValue, decode, oids, varbinds
from device_profiles.tree import Edit, Path, Tree, in_scope

_SYS_UPTIME = "1.3.6.1.2.1.1.3.0"
_VARIABLES = 20
"""Variables a GET asks for; more might not fit into one datagram."""


class SnmpSession:
    """Fulfils ``adapters.seam.Session`` by SNMPv3.

    The endpoint's user name and password are the SNMP user and its authentication password;
    ``options['privacy']`` is the name of the secret with the privacy password.
    """

    capabilities = frozenset({Capability.EDIT_ISOLATION})

    def __init__(self, endpoint: Endpoint, profile: Profile, resolver: SecretResolver) -> None:
        self._device = endpoint.device
        self._profile = profile
        self._secrets = Secrets(resolver, endpoint.device)
        self._agent = Agent(
            endpoint.device,
            (endpoint.host, endpoint.port),
            endpoint.username,
            endpoint.password.get_secret_value(),
            _privacy(endpoint, resolver),
        )
        self.alive = True

    def __repr__(self) -> str:
        return f"SnmpSession({self._device})"

    def misfits(self) -> tuple[str, ...]:
        """Return why the agent cannot be used; asking for its uptime is the first thing it hears.

        Raises AuthenticationFailed and DeviceTimeout.
        """
        found = self._agent.get([_SYS_UPTIME])
        return () if found.get(_SYS_UPTIME) is not None else ("the agent shows no sysUpTime",)

    def read(self, scope: Collection[Path]) -> Tree:
        """Return the objects in ``scope`` by GET of their instances."""
        with codec_errors(self._device):
            wanted = list(oids(self._profile, scope))
            values: dict[str, SnmpValue | None] = {}
            for start in range(0, len(wanted), _VARIABLES):
                values |= self._agent.get(wanted[start : start + _VARIABLES])
            return in_scope(decode(self._profile, scope, values), scope)

    def users(self, entries: Collection[Path]) -> Users:  # noqa: ARG002 - seam
        """Return nothing: rows name each other only within one agent, which is one site's."""
        return {}

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        """Return each object's value, ``None`` where the agent has none."""
        if any(not query.path for query in queries):
            raise Unsupported("a query of an agent needs a path", device=self._device)
        with codec_errors(self._device):
            tree = self.read([query.path for query in queries])
        return {query.name: tree.get(query.path) for query in queries}

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        """SET what differs, row by row; a refused site's rows are taken back.

        Rows that are there already are changed, not created, and what is as wanted is not sent.
        Raises SessionLost with ``outcome_unknown`` when a SET's answer did not come.
        """
        changes = changes_of(batch)
        if not changes:
            return receipt(batch, mode, {})
        with codec_errors(self._device):
            present = self.read({edit.path for site in changes for edit in site.edits})
            wanted = {site.site: _differing(site.edits, present) for site in changes}
            edits = [edit for differing in wanted.values() for edit in differing]
            sent = native(self._profile, edits)
        if not edits:
            return receipt(batch, mode, {})
        if mode.before_commit is not None:
            mode.before_commit()
        refused: dict[str, str] = {}
        for site, differing in wanted.items():
            try:
                self._set_rows(differing)
            except EditRefused as error:
                refused[site] = self._secrets.masked(error.words)
        return receipt(batch, mode, refused, sent)

    def confirm(self, transaction: str) -> None:
        """Do nothing: a SET is final."""

    def cancel(self, transaction: str) -> None:
        """Do nothing: a SET is final; roll back by an apply."""

    def save(self) -> None:
        """Do nothing: a SET is final."""

    def evidence(self, scope: Collection[Path]) -> bytes:  # noqa: ARG002 - seam
        """Raise Unsupported: nothing here is a configuration as a whole."""
        raise Unsupported("no configuration as a whole", device=self._device)

    def close(self) -> None:
        """Forget the agent; SNMP has no connection."""
        self.alive = False

    def _set_rows(self, edits: Sequence[Edit]) -> None:
        rows: dict[str, list[Edit]] = {}
        for edit in self._secrets.revealed(self._profile, edits):
            rows.setdefault(edit.path[0], []).append(edit)
        done: list[list[Edit]] = []
        for row in rows.values():
            try:
                self._set(row)
            except EditRefused:
                for former in reversed(done):
                    # What cannot be taken back shows when the engine reads the device again.
                    with suppress(AdapterError):
                        self._set([edit.inverted() for edit in former])
                raise
            done.append(row)

    def _set(self, row: Sequence[Edit]) -> None:
        with codec_errors(self._device):
            requests = varbinds(self._profile, row)
        try:
            for bindings in requests:
                self._agent.set(bindings)
        except DeviceTimeout as error:
            raise SessionLost(
                "the SET left, its answer did not come",
                device=self._device,
                outcome_unknown=True,
            ) from error


def _differing(edits: Sequence[Edit], present: Tree) -> list[Edit]:
    return [
        Edit(edit.path, present.get(edit.path), edit.after)
        for edit in edits
        if edit.after != present.get(edit.path)
    ]


def _privacy(endpoint: Endpoint, resolver: SecretResolver) -> str:
    name = endpoint.options.get("privacy", "")
    try:
        return resolver(name).get_secret_value()
    except LookupError as error:
        raise SecretUnavailable(
            "options['privacy'] names no known secret", device=endpoint.device
        ) from error
