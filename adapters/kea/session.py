"""A Kea server behind the seam.

``config-set`` replaces everything, so the configuration is read, only our entries in it are
changed, and it is read once more just before it is set: whoever else changes it is not overrun.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

from adapters.errors import CommitRefused, LockDenied, SessionLost, Unsupported
from adapters.faults.codec import codec_errors
from adapters.kea.agent import ControlAgent
from adapters.receipts import changes_of, paths_of, receipt, refuse_if_changed
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
from device_profiles.data import decode, filled_in, patch
from device_profiles.errors import ProfileError
from device_profiles.native import native
from device_profiles.profile import Profile
from device_profiles.references import Users
from device_profiles.steps import parse_step
from device_profiles.tree import Path, Tree, path_text

_ATTEMPTS = 3
Configuration = dict[str, Any]


class KeaSession:
    """Fulfils ``adapters.seam.Session`` by the control agent's commands.

    All sites go into one ``config-set``. With ``confirm_within`` the configuration is not written
    to disk before ``confirm``, so a restart of the server takes it back.
    """

    capabilities = frozenset(
        {
            Capability.TRANSACTION,
            Capability.EDIT_ISOLATION,
            Capability.EVIDENCE,
            Capability.STARTUP,
        }
    )

    def __init__(self, endpoint: Endpoint, profile: Profile, resolver: SecretResolver) -> None:
        self._device = endpoint.device
        self._profile = profile
        self._secrets = Secrets(resolver, endpoint.device)
        self._agent = ControlAgent(endpoint, profile.options.get("service", "dhcp4"))

    def __repr__(self) -> str:
        return f"KeaSession({self._device})"

    @property
    def alive(self) -> bool:
        """Whether it was not closed; every command is a request of its own."""
        return self._agent.alive

    def misfits(self) -> tuple[str, ...]:
        """Return why the server behind the agent is not the profile's."""
        try:
            found = self._agent.configuration()
        except (Unsupported, CommitRefused) as error:
            return (f"the agent does not show the configuration: {error.message}",)
        wanted = self._agent.service.capitalize()
        return () if wanted in found else (f"the agent shows no {wanted}",)

    def read(self, scope: Collection[Path]) -> Tree:
        """Return the configuration's part in ``scope``."""
        if not scope:
            return {}
        with codec_errors(self._device):
            document = self._agent.configuration()
            filled = filled_in(self._profile, document)
            return decode(self._profile, _pruned(document, scope), scope, filled)

    def users(self, entries: Collection[Path]) -> Users:  # noqa: ARG002 - seam
        """Return nothing: a subnet or a reservation is named by nothing else."""
        return {}

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        """Return configured values by path, or what ``pattern`` finds in a command's answer."""
        paths = [query.path for query in queries if query.path]
        tree = self.read(paths)
        return {
            query.name: tree.get(query.path) if query.path else self._asked(query)
            for query in queries
        }

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        """Test, set and write the configuration with all sites' edits; sends no equal one.

        A site that ``config-test`` refuses is left out. Raises LockDenied when somebody else keeps
        changing the configuration, CommitRefused when nothing took effect, SessionLost with
        ``outcome_unknown``.
        """
        changes = changes_of(batch)
        if not changes:
            return receipt(batch, mode, {})
        for _ in range(_ATTEMPTS):
            present = self._agent.configuration()
            self._refuse_if_changed(present, changes)
            target, refused = self._tested(present, changes)
            if _same(target, present):
                break
            if not _same(self._agent.configuration(), present):
                continue
            if mode.before_commit is not None:
                mode.before_commit()
            self._agent.set(target)
            if mode.confirm_within is None:
                self._write()
            break
        else:
            raise LockDenied("somebody else keeps changing it", device=self._device)
        sent = native(self._profile, [edit for site in changes for edit in site.edits])
        return receipt(batch, mode, refused, sent)

    def confirm(self, transaction: str) -> None:  # noqa: ARG002 - the server has one configuration
        """Write the configuration to disk."""
        self._write()

    def cancel(self, transaction: str) -> None:
        """Do nothing: the server keeps no earlier configuration; roll back by an apply."""

    def save(self) -> None:
        """Write the configuration to disk. Raises as ``confirm``."""
        self._write()

    def evidence(self, scope: Collection[Path]) -> bytes:
        """Return the values in ``scope`` by their paths as JSON, secrets as their digests."""
        shown = {path_text(path): value for path, value in self.read(scope).items()}
        return json.dumps(shown, sort_keys=True).encode()

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._agent.close()

    def _refuse_if_changed(self, document: Configuration, changes: Sequence[SiteEdits]) -> None:
        with codec_errors(self._device):
            scope = paths_of(changes)
            filled = filled_in(self._profile, document)
            present = decode(self._profile, _pruned(document, scope), scope, filled)
        refuse_if_changed(self._device, changes, present)

    def _tested(
        self, present: Configuration, changes: Sequence[SiteEdits]
    ) -> tuple[Configuration, dict[str, str]]:
        together = present
        for site in changes:
            together = self._patched(together, site)
        if _same(together, present):
            return present, {}
        try:
            self._agent.command("config-test", together)
        except CommitRefused as error:
            if len(changes) == 1:
                return present, {changes[0].site: self._secrets.masked(error.message)}
        else:
            return together, {}
        target, refused = present, {}
        for site in changes:
            attempt = self._patched(target, site)
            try:
                self._agent.command("config-test", attempt)
            except CommitRefused as error:
                refused[site.site] = self._secrets.masked(error.message)
            else:
                target = attempt
        return target, refused

    def _patched(self, document: Configuration, site: SiteEdits) -> Configuration:
        with codec_errors(self._device):
            return patch(self._profile, document, self._secrets.revealed(self._profile, site.edits))

    def _write(self) -> None:
        try:
            self._agent.write()
        except CommitRefused as error:
            raise SessionLost(
                f"set but not written: {error.message}", device=self._device, outcome_unknown=True
            ) from error

    def _asked(self, query: Query) -> str | None:
        if not re.fullmatch(r"[a-z0-9-]+", query.command):
            raise Unsupported("a query needs a path or a command's name", device=self._device)
        found = re.search(query.pattern, json.dumps(self._agent.command(query.command)))
        return found.group(1) if found else None


def _pruned(document: Configuration, scope: Collection[Path]) -> Configuration:
    """Return only the members that ``scope`` can concern; others may have shapes unknown to us."""
    result: Configuration = {}
    for path in scope:
        root = parse_step(path[0]).name
        if root not in document:
            continue
        if len(path) == 1:
            result[root] = document[root]
            continue
        member = parse_step(path[1]).name
        if not isinstance(document[root], dict):
            raise ProfileError(f"{root}: is no object")
        if member in document[root]:
            result.setdefault(root, {})[member] = document[root][member]
    return result


def _same(one: Configuration, other: Configuration) -> bool:
    return _digest(one) == _digest(other)


def _digest(document: Configuration) -> str:
    return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
