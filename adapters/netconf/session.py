"""A NETCONF device behind the seam: scoped reads, one device transaction a batch."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from lxml import etree

from adapters.errors import (
    AdapterError,
    CommitRefused,
    DeviceTimeout,
    LockDenied,
    ProtocolError,
    Refused,
    SessionLost,
    Unsupported,
)
from adapters.faults.codec import codec_errors
from adapters.netconf import operations
from adapters.netconf.rpc import Conversation
from adapters.netconf.transport import opened
from adapters.netconf.window import Window
from adapters.receipts import changes_of, paths_of, receipt, refuse_if_changed, standing
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
from device_profiles import references
from device_profiles.defaults import filled
from device_profiles.dialects import NetconfDialect
from device_profiles.native import native
from device_profiles.profile import Profile, modules_used
from device_profiles.references import Users
from device_profiles.tree import Path, Tree, in_scope
from device_profiles.yang import decode, encode_edit, encode_filter, encode_selection

REPLY_SECONDS = 30
OPEN_SECONDS = 15
_OFFERED = {
    ":candidate": (Capability.TRANSACTION, Capability.LOCK),
    ":rollback-on-error": (Capability.EDIT_ISOLATION,),
    ":startup": (Capability.STARTUP,),
}


class NetconfSession:
    """Fulfils ``adapters.seam.Session`` with candidate, validate and commit (RFC 6241 section 8).

    A device without ``:candidate`` is read only: its edits could not be taken back as one.
    """

    def __init__(self, endpoint: Endpoint, profile: Profile, resolver: SecretResolver) -> None:
        if not isinstance(profile.dialect, NetconfDialect):
            raise Unsupported(f"{profile.name} speaks no NETCONF", device=endpoint.device)
        self._dialect = profile.dialect
        self._device = endpoint.device
        self._profile = profile
        self._secrets = Secrets(resolver, endpoint.device)
        self._held: list[str] = []
        self._window: Window | None = None
        self._endpoint = endpoint
        self._rpc = self._connected()
        self._capabilities = _capabilities(self._rpc, self._dialect)

    def __repr__(self) -> str:
        return f"NetconfSession({self._device})"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the device's hello offers, as far as the dialect uses it."""
        return self._capabilities

    @property
    def alive(self) -> bool:
        """Whether the conversation is still open and holds no lock for a window left open."""
        return self._rpc.alive and not self._held

    def misfits(self) -> tuple[str, ...]:
        """Return which modules that the profile uses the device does not announce.

        By its hello, and by its YANG library where the hello names one. Nothing can be told of a
        device that announces no module at all.
        """
        announced = self._rpc.announced
        known = {text.partition("?")[0] for text in announced if "module=" in text}
        if any(":yang-library:" in text for text in announced):
            data = self._rpc.data(operations.get_modules(), REPLY_SECONDS)
            known |= {
                (found.text or "").strip()
                for found in data.iter("{urn:ietf:params:xml:ns:yang:ietf-yang-library}namespace")
            }
        model = self._profile.yang
        if not known or model is None:
            return ()
        return tuple(
            f"the device has no YANG module {module} ({model.namespaces[module]})"
            for module in sorted(modules_used(self._profile))
            if model.namespaces[module] not in known
        )

    def read(self, scope: Collection[Path]) -> Tree:
        """Return running's part in ``scope`` by one subtree-filtered get-config."""
        if not scope:
            return {}
        with codec_errors(self._device):
            operation = operations.get_config(
                encode_filter(self._profile, scope), self._with_defaults
            )
            data = self._rpc.data(operation, REPLY_SECONDS)
            tree = filled(decode(self._profile, data), self._dialect.defaults)
            return in_scope(tree, scope)

    def users(self, entries: Collection[Path]) -> Users:
        """Return who refers to ``entries``, by one get-config of the leaves that could."""
        with codec_errors(self._device):
            leaves = references.referring(self._profile, entries)
            if not leaves:
                return {}
            operation = operations.get_config(
                encode_selection(self._profile, leaves), self._with_defaults
            )
            tree = decode(self._profile, self._rpc.data(operation, REPLY_SECONDS))
            return references.users(self._profile, tree, entries)

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        """Return each path's value, configuration or state, by one filtered get."""
        if not queries:
            return {}
        if any(not query.path for query in queries):
            raise Unsupported("a NETCONF query needs a path", device=self._device)
        with codec_errors(self._device):
            filters = encode_filter(self._profile, [query.path for query in queries])
            data = self._rpc.data(operations.get(filters, self._with_defaults), REPLY_SECONDS)
            tree = decode(self._profile, data)
        return {query.name: tree.get(query.path) for query in queries}

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        """Bring the batch onto the device: one edit-config a site, one commit for all.

        A refused site's edits are not part of the commit; if all are refused nothing is
        committed. While a confirmed commit waits, what the dialect says stays locked, because what
        others commit meanwhile would be lost with a revert (RFC 6241 section 8.4.1). A batch
        without edits sends nothing. Raises LockDenied, also when somebody else has changed since
        what the edits were planned on; CommitRefused when nothing took effect;
        SessionLost with ``outcome_unknown`` when the commit had left.
        """
        changes = changes_of(batch)
        if not changes:
            return receipt(batch, mode, {})
        if Capability.TRANSACTION not in self._capabilities:
            raise Unsupported("no candidate datastore", device=self._device)
        with codec_errors(self._device):
            configs = {
                site.site: encode_edit(
                    self._profile, self._secrets.revealed(self._profile, site.edits)
                )
                for site in changes
            }
            sent = native(self._profile, [edit for site in changes for edit in site.edits])
        confirming = bool(mode.confirm_within) and (
            Capability.CONFIRMED_COMMIT in self._capabilities
        )
        self._lock("candidate", *(["running"] if confirming else []))
        try:
            refuse_if_changed(self._device, changes, self.read(paths_of(changes)))
            refused = self._transaction(configs, mode, confirming=confirming)
        except BaseException:
            self._window = None
            self._unlock()
            raise
        committed = bool(standing(configs, mode, refused))
        waits = committed and confirming
        self._unlock(self._dialect.locked_in_window if waits else ())
        if committed and not confirming:
            self.save()
        return receipt(batch, mode, refused, sent, confirming=waits)

    def confirm(self, transaction: str) -> None:
        """Make a confirmed commit permanent; then save where that is needed.

        By its persist-id, or by a plain commit of the session that made it. Raises CommitRefused
        when no such commit waits (it may have reverted), SessionLost with ``outcome_unknown`` when
        the answer came so late that it may have reverted before.
        """
        if Capability.CONFIRMED_COMMIT not in self._capabilities:
            return
        try:
            if Capability.PERSIST in self._capabilities:
                self._commit(operations.confirming_commit(transaction))
            else:
                self._confirm_own(transaction)
        finally:
            self._unlock()
        self.save()

    def cancel(self, transaction: str) -> None:
        """Take a confirmed commit back. Raises CommitRefused when none waits.

        By its persist-id, or by ending the session that made it: this one goes on with another
        conversation then. Without persist and not its session, this only makes sure that none is
        under way: raises LockDenied while one is.
        """
        if Capability.CONFIRMED_COMMIT not in self._capabilities:
            return
        if Capability.PERSIST not in self._capabilities:
            self._cancel_own(transaction)
            return
        try:
            self._commit(operations.cancel_commit(transaction))
        finally:
            self._unlock()

    def _confirm_own(self, transaction: str) -> None:
        window, self._window = self._window, None
        if window is None or window.transaction != transaction or window.lapsed:
            # A plain commit without a window would succeed and mean nothing.
            raise CommitRefused("no confirmed commit of this session waits", device=self._device)
        self._commit(operations.commit())
        if window.lapsed:
            raise SessionLost(
                "the confirmation came at the end of its time",
                device=self._device,
                outcome_unknown=True,
            )

    def _cancel_own(self, transaction: str) -> None:
        window, self._window = self._window, None
        own = window is not None and window.transaction == transaction
        if own:
            self.close()
            self._held.clear()
            self._rpc = self._connected()
        # Running cannot be locked while a confirmed commit is under way (RFC 6241 section 7.5).
        self._lock("running")
        self._unlock()
        if not own:
            raise CommitRefused("no confirmed commit of this session waits", device=self._device)

    def evidence(self, scope: Collection[Path]) -> bytes:
        """Return running's part in ``scope``, as one subtree-filtered get-config shows it.

        An empty scope is an empty filter, which selects nothing (RFC 6241 section 6.4.2).
        """
        with codec_errors(self._device):
            filters = encode_filter(self._profile, scope)
        operation = operations.get_config(filters, self._with_defaults)
        return etree.tostring(self._rpc.data(operation, REPLY_SECONDS), encoding="utf-8")

    def close(self) -> None:
        """Say good-bye and end the conversation."""
        if self._rpc.alive:
            with suppress(AdapterError):
                self._rpc.call(operations.close_session(), timeout=2)
        self._rpc.close()

    def _connected(self) -> Conversation:
        session, handler = opened(self._endpoint, OPEN_SECONDS)
        return Conversation(session, handler, self._device)

    @property
    def _with_defaults(self) -> str | None:
        return self._dialect.with_defaults if self._rpc.offers(":with-defaults") else None

    def _lock(self, *datastores: str) -> None:
        """Lock datastores, all or none.

        Whatever the device answers to that is about the device and not about what is to be
        written: raises LockDenied for every refusal.
        """
        try:
            for datastore in datastores:
                self._rpc.call(operations.lock(datastore), REPLY_SECONDS)
                self._held.append(datastore)
        except Refused as error:
            self._unlock()
            raise LockDenied(error.words, device=self._device) from error
        except BaseException:
            self._unlock()
            raise

    def _unlock(self, keep: Collection[str] = ()) -> None:
        """Give locks back, the last first, but those to ``keep``."""
        for datastore in reversed([name for name in self._held if name not in keep]):
            self._held.remove(datastore)
            # The transaction's outcome is known by now; a lost session drops its locks itself.
            with suppress(AdapterError):
                self._rpc.call(operations.unlock(datastore), REPLY_SECONDS)

    def _transaction(
        self, configs: Mapping[str, etree._Element], mode: ApplyMode, *, confirming: bool
    ) -> dict[str, str]:
        """Edit, validate and commit under our lock; return refused sites with the words."""
        try:
            refused = self._edit(configs, mode)
            if not standing(configs, mode, refused):
                self._discard()
                return refused
            if self._rpc.offers(":validate"):
                self._refusable(operations.validate())
            if mode.before_commit is not None:
                mode.before_commit()
            self._commit(self._arming(mode) if confirming else operations.commit())
        except BaseException:
            with suppress(AdapterError):
                self._discard()
            raise
        return refused

    def _arming(self, mode: ApplyMode) -> etree._Element:
        seconds = mode.confirm_within or 0
        if Capability.PERSIST in self._capabilities:
            return operations.confirmed_commit(seconds, mode.transaction)
        self._window = Window.opening(mode.transaction, seconds)
        return operations.confirmed_commit(seconds, None)

    def _edit(self, configs: Mapping[str, etree._Element], mode: ApplyMode) -> dict[str, str]:
        isolated = Capability.EDIT_ISOLATION in self._capabilities
        refused: dict[str, str] = {}
        edited: set[str] = set()
        waiting = list(configs)
        while waiting:
            site = waiting.pop(0)
            try:
                self._rpc.call(
                    operations.edit_config(configs[site], isolated=isolated), REPLY_SECONDS
                )
                edited.add(site)
            except Refused as error:
                refused[site] = self._secrets.masked(error.words)
                waiting = standing(configs, mode, refused)
                if isolated and edited <= set(waiting):
                    waiting = [name for name in waiting if name not in edited]
                    continue
                # Part of the refused edit, or what relied on it, is in candidate: begin anew.
                self._discard()
                edited.clear()
        return refused

    def _discard(self) -> None:
        self._rpc.call(operations.discard_changes(), REPLY_SECONDS)

    def save(self) -> None:
        """Copy running to startup where the device has one (RFC 6241 section 8.7)."""
        if Capability.STARTUP in self._capabilities:
            self._rpc.call(operations.save_running(), self._dialect.commit_timeout)

    def _refusable(self, operation: etree._Element) -> None:
        try:
            self._rpc.call(operation, self._dialect.commit_timeout)
        except Refused as error:
            raise CommitRefused(
                self._secrets.masked(error.message),
                device=self._device,
                tag=error.tag,
                path=error.path,
            ) from error

    def _commit(self, operation: etree._Element) -> None:
        try:
            self._refusable(operation)
        except (DeviceTimeout, SessionLost, ProtocolError) as error:
            raise SessionLost(
                "the commit left, its answer did not come",
                device=self._device,
                outcome_unknown=True,
            ) from error


def _capabilities(rpc: Conversation, dialect: NetconfDialect) -> frozenset[Capability]:
    """Return what the hello offers; of confirmed commits, the most that the dialect lets use."""
    found = {Capability.EVIDENCE}
    for offered, capabilities in _OFFERED.items():
        if rpc.offers(offered):
            found.update(capabilities)
    if rpc.offers(":confirmed-commit") and dialect.confirmed_commit != "none":
        found.add(Capability.CONFIRMED_COMMIT)
        if rpc.offers(":confirmed-commit:1.1") and dialect.confirmed_commit == "persist":
            found.add(Capability.PERSIST)
    return frozenset(found)
