"""A command-line device behind the seam: line by line, undone in reverse when one is refused."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from adapters.cli.libraries import open_terminal
from adapters.cli.refusal import refusal
from adapters.errors import (
    AdapterError,
    CommitRefused,
    DeviceTimeout,
    ProtocolError,
    SessionLost,
    Unsupported,
)
from adapters.faults.codec import codec_errors
from adapters.receipts import (
    changes_of,
    left_out,
    paths_of,
    receipt,
    refuse_if_changed,
    standing,
)
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
from device_profiles.cli import (
    Command,
    decode,
    encode_commands,
    encode_lines,
    implied,
)
from device_profiles.dialects import MINUTES, SECONDS, CliDialect
from device_profiles.native import native
from device_profiles.profile import Profile
from device_profiles.references import Users
from device_profiles.tree import DIGEST_PREFIX, Edit, Path, Tree

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class CliSession:
    """Fulfils ``adapters.seam.Session`` on a command line, which has no transactions.

    Lines take effect as they are sent, so ``before_commit`` is called before the first. Each
    site's lines stand alone: a refused site is undone and the others go on. With
    ``confirm_within`` nothing is saved before ``confirm``, and a platform with a revert timer
    takes everything back by itself.
    """

    def __init__(self, endpoint: Endpoint, profile: Profile, resolver: SecretResolver) -> None:
        self._device = endpoint.device
        self._profile = profile
        self._secrets = Secrets(resolver, endpoint.device)
        if not isinstance(profile.dialect, CliDialect):
            raise Unsupported(f"{profile.name} is no command line", device=endpoint.device)
        self._dialect = profile.dialect
        self._capabilities = _capabilities(self._dialect)
        self._terminal = open_terminal(endpoint, self._dialect, resolver)
        if not self._terminal.privileged:
            self.close()
            raise Unsupported(
                "the user is not privileged, and options['enable_secret'] names no secret",
                device=self._device,
            )

    def __repr__(self) -> str:
        return f"CliSession({self._device})"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the dialect tells; a command line says nothing of itself."""
        return self._capabilities

    @property
    def alive(self) -> bool:
        """Whether the conversation is still open."""
        return self._terminal.alive

    def evidence(self, scope: Collection[Path]) -> bytes:  # noqa: ARG002 - shown in one piece
        """Return the running configuration's text, all of it."""
        return self._running().encode()

    def _running(self) -> str:
        text = self._terminal.ask(self._dialect.show)
        said = refusal(self._dialect, text.partition("\n")[0])
        if said:
            raise Unsupported(f"{self._dialect.show}: {said}", device=self._device)
        return text

    def misfits(self) -> tuple[str, ...]:
        """Return why the command line is not the profile's: what shows no configuration is not."""
        try:
            text = self._running()
            with codec_errors(self._device):
                found = decode(self._profile, text)
        except (Unsupported, ProtocolError) as error:
            return (str(error.message),)
        return () if found else (f"{self._dialect.show} shows nothing that the profile can read",)

    def read(self, scope: Collection[Path]) -> Tree:
        """Return the running configuration's part in ``scope``."""
        if not scope:
            return {}
        text = self._running()
        with codec_errors(self._device):
            return decode(self._profile, text, scope)

    def users(self, entries: Collection[Path]) -> Users:
        """Return which lines of the running configuration refer to ``entries``."""
        if not entries:
            return {}
        text = self._running()
        with codec_errors(self._device):
            return references.users(self._profile, decode(self._profile, text), entries)

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        """Return the first group of each query's pattern in what its command prints."""
        printed: dict[str, str] = {}
        facts: dict[str, str | None] = {}
        for query in queries:
            if not query.command or _CONTROL.search(query.command):
                raise Unsupported("a query needs one command line", device=self._device)
            if query.command not in printed:
                printed[query.command] = self._terminal.ask(query.command)
            found = re.search(query.pattern, printed[query.command], re.MULTILINE)
            facts[query.name] = found.group(1) if found else None
        return facts

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        """Send each site's lines; stop a site at its first refused line and undo it.

        A batch without edits sends nothing. Raises SessionLost with ``outcome_unknown`` when the
        conversation breaks off after the first line.
        """
        changes = changes_of(batch)
        if not changes:
            return receipt(batch, mode, {})
        with codec_errors(self._device):
            edits = self._telling(changes)
            commands = {site: self._commands(found) for site, found in edits.items()}
            sent = native(self._profile, [edit for found in edits.values() for edit in found])
        confirming = bool(mode.confirm_within) and (
            Capability.CONFIRMED_COMMIT in self._capabilities
        )
        if mode.before_commit is not None:
            mode.before_commit()
        try:
            self._enter(mode.confirm_within if confirming else None)
            refused = self._send_sites(commands, mode)
            self._terminal.ask(self._dialect.configuration.leave)
            stands = bool(standing(commands, mode, refused))
            if mode.confirm_within is None and stands:
                self._save()
        except (DeviceTimeout, SessionLost, ProtocolError) as error:
            self.close()
            raise SessionLost(
                f"broke off among the lines: {error.message}",
                device=self._device,
                outcome_unknown=True,
            ) from error
        confirming = confirming and stands
        return receipt(batch, mode, refused, sent, confirming=confirming)

    def confirm(self, transaction: str) -> None:  # noqa: ARG002 - a command line has one at a time
        """Stop the revert timer where there is one, then save where that is needed."""
        if Capability.CONFIRMED_COMMIT in self._capabilities:
            self._order(self._dialect.configuration.confirm)
        self._save()

    def cancel(self, transaction: str) -> None:  # noqa: ARG002 - a command line has one at a time
        """Take everything since the revert timer was set back at once."""
        if Capability.CONFIRMED_COMMIT in self._capabilities:
            self._order(self._dialect.configuration.revert)

    def save(self) -> None:
        """Write what runs to the startup configuration, where the platform has one."""
        self._save()

    def close(self) -> None:
        """End the conversation; safe to call twice."""
        with suppress(AdapterError):
            self._terminal.close()

    def _telling(self, changes: Sequence[SiteEdits]) -> dict[str, Sequence[Edit]]:
        """Return the edits by site, compared with what is there now: nothing can be locked here.

        Members of sets that all there are belong to are left out. Such a member is there and
        nobody's, so nothing brings it and nothing takes it away.
        """
        paths = paths_of(changes)
        text = self._running()
        refuse_if_changed(self._device, changes, decode(self._profile, text, paths))
        idle = implied(self._profile, text, [edit.path for each in changes for edit in each.edits])
        return {
            site.site: [edit for edit in site.edits if edit.path not in idle] for site in changes
        }

    def _commands(self, edits: Sequence[Edit]) -> list[Command]:
        commands = encode_commands(self._profile, self._secrets.revealed(self._profile, edits))
        for command in commands:
            if any(_CONTROL.search(line) for line in (*command.context, command.line)):
                raise Unsupported("control characters in a line", device=self._device)
        return commands

    def _enter(self, revert_seconds: int | None) -> None:
        mode = self._dialect.configuration
        line = mode.enter if revert_seconds is None else _timed(mode.timed, revert_seconds)
        self._order(line)
        if not self._terminal.mode:
            raise ProtocolError("no configuration mode", device=self._device)

    def _order(self, line: str) -> None:
        said = refusal(self._dialect, self._terminal.ask(line))
        if said:
            raise CommitRefused(f"{line}: {said}", device=self._device)

    def _save(self) -> None:
        save = self._dialect.save
        if save is None:
            return
        printed = self._terminal.ask(save.line)
        said = refusal(self._dialect, printed)
        if not said and not re.search(save.works, printed):
            said = " ".join(printed.split()) or "no answer"
        if said:
            raise ProtocolError(f"applied but not saved: {said}", device=self._device)

    def _send_sites(self, commands: Mapping[str, list[Command]], mode: ApplyMode) -> dict[str, str]:
        refused: dict[str, str] = {}
        position = _Position(self)
        accepted: dict[str, list[Command]] = {}
        for site, lines in commands.items():
            if site in left_out(mode, refused):
                continue
            said = self._send_site(position, lines, accepted.setdefault(site, []))
            if not said:
                continue
            refused[site] = self._secrets.masked(said)
            left = self._undo(position, accepted.pop(site))
            for other in left_out(mode, refused) & accepted.keys():
                left += self._undo(position, accepted.pop(other))
            if left:
                refused[site] += f"; not undone: {', '.join(left)}"
        return refused

    @staticmethod
    def _send_site(position: "_Position", lines: list[Command], accepted: list[Command]) -> str:
        """Send lines until one is refused; return the device's refusal, empty without one.

        Some sections take effect when they are left, so the site leaves its last one as well.
        """
        for command in lines:
            said = position.send(command.context, command.line)
            if said:
                return said
            accepted.append(command)
        return position.up_to(0)

    def _undo(self, position: "_Position", accepted: list[Command]) -> list[str]:
        """Take accepted commands back, last first; return what could not be."""
        left: list[str] = []
        for command in reversed(accepted):
            if any((edit.before or "").startswith(DIGEST_PREFIX) for edit in command.edits):
                left.append("a former secret")
                continue
            inverse = [edit.inverted() for edit in command.edits]
            for *context, line in encode_lines(self._profile, inverse):
                position.up_to(
                    0
                )  # what the device says of a section left does not stop the undoing
                said = position.send(tuple(context), line)
                if said:
                    left.append(self._secrets.masked(f"{line}: {said}"))
        return left


def _capabilities(dialect: CliDialect) -> frozenset[Capability]:
    found = {Capability.EDIT_ISOLATION, Capability.EVIDENCE}
    if dialect.save is not None:
        found.add(Capability.STARTUP)
    if dialect.configuration.timed:
        # The timer is the device's own: any session may stop it.
        found |= {Capability.CONFIRMED_COMMIT, Capability.PERSIST}
    return frozenset(found)


def _timed(line: str, seconds: int) -> str:
    """Return the line that enters with a revert timer of at least ``seconds``."""
    return line.replace(MINUTES, str(math.ceil(seconds / 60))).replace(SECONDS, str(seconds))


class _Position:
    """Where in the configuration's sections the device is; moves before it sends."""

    def __init__(self, session: CliSession) -> None:
        self._terminal = session._terminal
        self._dialect = session._dialect
        self._sections: tuple[str, ...] = ()

    def send(self, context: tuple[str, ...], line: str) -> str:
        """Send ``line`` in its section; return the device's refusal, empty when accepted."""
        shared = 0
        while shared < min(len(context), len(self._sections)) and (
            context[shared] == self._sections[shared]
        ):
            shared += 1
        said = self.up_to(shared)
        if said:
            return said
        for section in context[shared:]:
            said = self._step(section)
            if said:
                return f"{section}: {said}"
        said = self._step(line)
        return f"{line}: {said}" if said else ""

    def up_to(self, depth: int) -> str:
        """Leave sections until ``depth`` are open; return the first refusal of one that was left.

        All of them are left whatever the device says.
        """
        refused = ""
        while len(self._sections) > depth:
            *rest, section = self._sections
            printed = self._terminal.ask(self._dialect.configuration.up)
            said = refusal(self._dialect, printed, configuring=True)
            refused = refused or (f"{section}: {said}" if said else "")
            self._sections = tuple(rest)
        return refused

    def _step(self, line: str) -> str:
        before = self._terminal.mode
        said = refusal(self._dialect, self._terminal.ask(line), configuring=True)
        if self._terminal.mode == "config":
            self._sections = ()
        elif self._terminal.mode != before:
            self._sections = (*self._sections, line)
        return said
