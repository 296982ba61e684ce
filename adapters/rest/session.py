"""A partner's REST collection behind the seam: one object a list entry, PUT and DELETE whole."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from adapters.errors import (
    DeviceTimeout,
    EditRefused,
    ProtocolError,
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
from adapters.web import WebClient
from device_profiles.data import decode, encode
from device_profiles.native import native
from device_profiles.profile import Profile
from device_profiles.references import Users
from device_profiles.steps import Step, parse_step
from device_profiles.tree import Edit, Path, Tree, in_scope, patched

_NOT_FOUND = 404
_NOBODYS = "none"
"""An object that nobody has: what answers for it answers for all."""


class RestSession:
    """Fulfils ``adapters.seam.Session``; the profile's option ``collection`` names the list.

    Every object is its own request, so a batch is no transaction.
    """

    capabilities = frozenset({Capability.EDIT_ISOLATION})

    def __init__(self, endpoint: Endpoint, profile: Profile, resolver: SecretResolver) -> None:
        self._device = endpoint.device
        self._profile = profile
        self._collection = profile.options.get("collection", "")
        self._secrets = Secrets(resolver, endpoint.device)
        self._web = WebClient(endpoint)

    def __repr__(self) -> str:
        return f"RestSession({self._device})"

    @property
    def alive(self) -> bool:
        """Whether it was not closed."""
        return self._web.alive

    def misfits(self) -> tuple[str, ...]:
        """Return why the service is not the profile's, as far as asking for one object shows."""
        asked = f"GET /{self._collection}/{_NOBODYS}"
        try:
            status, _ = self._web.request("GET", f"/{self._collection}/{_NOBODYS}")
        except ProtocolError as error:
            return (f"{asked}: {error.message}",)
        return () if status in (200, _NOT_FOUND) else (f"{asked} is answered with HTTP {status}",)

    def read(self, scope: Collection[Path]) -> Tree:
        """Return the objects in ``scope``, each by one GET."""
        tree: dict[Path, str] = {}
        for step in sorted({path[0] for path in scope}):
            found = self._get(step)
            if found is not None:
                with codec_errors(self._device):
                    tree |= decode(self._profile, {self._collection: [found]})
        return in_scope(tree, scope)

    def users(self, entries: Collection[Path]) -> Users:  # noqa: ARG002 - seam
        """Return nothing: no object of the partner names another."""
        return {}

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        """Return each path's member as the partner shows it, state included."""
        facts: dict[str, str | None] = {}
        for query in queries:
            if len(query.path) != 2:
                raise Unsupported("a query needs an object and a member", device=self._device)
            value = (self._get(query.path[0]) or {}).get(query.path[1])
            facts[query.name] = None if value is None else str(value)
        return facts

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        """PUT changed objects, DELETE removed ones. An object that is as wanted is not sent.

        Raises SessionLost with ``outcome_unknown`` when an answer did not come.
        """
        changes = changes_of(batch)
        if not changes:
            return receipt(batch, mode, {})
        with codec_errors(self._device):
            sent = native(self._profile, [edit for site in changes for edit in site.edits])
        if mode.before_commit is not None:
            mode.before_commit()
        refused: dict[str, str] = {}
        for site in changes:
            try:
                for step in sorted({edit.path[0] for edit in site.edits}):
                    self._bring(step, [edit for edit in site.edits if edit.path[0] == step])
            except EditRefused as error:
                refused[site.site] = self._secrets.masked(error.words)
        return receipt(batch, mode, refused, sent)

    def confirm(self, transaction: str) -> None:
        """Do nothing: every request is final."""

    def cancel(self, transaction: str) -> None:
        """Do nothing: every request is final; roll back by an apply."""

    def save(self) -> None:
        """Do nothing: every request is final."""

    def evidence(self, scope: Collection[Path]) -> bytes:  # noqa: ARG002 - seam
        """Raise Unsupported: nothing here is a configuration as a whole."""
        raise Unsupported("no configuration as a whole", device=self._device)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._web.close()

    def _bring(self, step: str, edits: Sequence[Edit]) -> None:
        present = self.read([(step,)])
        target = patched(present, self._secrets.revealed(self._profile, edits))
        if target == present:
            return
        if (step,) not in target:
            self._send("DELETE", step, None)
            return
        with codec_errors(self._device):
            document = encode(self._profile, target)[self._collection][0]
        keys = dict(self._step(step).keys)
        self._send("PUT", step, {k: v for k, v in document.items() if k not in keys})

    def _send(self, method: str, step: str, body: Any) -> None:
        with self._uncertain(method):
            status, answer = self._web.request(method, self._url(step), body)
        if status >= 400 and not (method == "DELETE" and status == _NOT_FOUND):
            words = answer.get("error", "") if isinstance(answer, dict) else ""
            raise EditRefused(str(words)[:500], device=self._device, tag=f"HTTP {status}")

    @contextmanager
    def _uncertain(self, method: str) -> Iterator[None]:
        try:
            yield
        except (DeviceTimeout, SessionLost, ProtocolError) as error:
            raise SessionLost(
                f"{method} left, its answer did not come",
                device=self._device,
                outcome_unknown=True,
            ) from error

    def _get(self, step: str) -> dict[str, Any] | None:
        status, answer = self._web.request("GET", self._url(step))
        if status == _NOT_FOUND:
            return None
        if status != 200 or not isinstance(answer, dict):
            raise ProtocolError(f"GET: HTTP {status}", device=self._device)
        return answer

    def _url(self, step: str) -> str:
        parsed = self._step(step)
        return f"/{self._collection}/{quote(parsed.keys[0][1], safe='')}"

    def _step(self, step: str) -> Step:
        parsed = parse_step(step)
        if parsed.name != self._collection or len(parsed.keys) != 1:
            raise Unsupported(f"{step} is no object of {self._collection}", device=self._device)
        return parsed
