"""Nornir tasks on devices: read, check, diff, apply, and the two ends of a confirmed commit.

They are what ``nornir.run(task=...)`` takes. Each works on the host's ``rom_session`` connection
and raises only ``adapters.errors.AdapterError``, which Nornir keeps as the result's ``exception``.
No argument holds a secret: a wanted secret is its name, ``secret:<name>``.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast
from uuid import uuid4

from nornir.core.inventory import Host
from nornir.core.task import Result, Task

from adapters.errors import Unsupported
from adapters.nornir.connection import NAME
from adapters.seam import ApplyMode, Query, Session, SiteEdits, SiteOutcome
from device_profiles.checks import Check, CheckResult
from device_profiles.native import native
from device_profiles.profile import Profile, load_profile
from device_profiles.tree import SECRET_PREFIX, Edit, Path, Tree, difference, within

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ByHost(Generic[Value]):
    """An argument that differs from host to host: Nornir itself hands all hosts the same."""

    values: Mapping[str, Value]


def read(task: Task, scope: Collection[Path] | ByHost[Collection[Path]]) -> Result:
    """Return as ``result`` the canonical tree of what the host holds at and below ``scope``."""
    return Result(task.host, result=session_of(task).read(_own(task.host, scope)))


def users(task: Task, entries: Collection[Path] | ByHost[Collection[Path]]) -> Result:
    """Return as ``result`` who on the host refers to each of ``entries``, as its profile says."""
    return Result(task.host, result=session_of(task).users(_own(task.host, entries)))


def check(task: Task, queries: Sequence[Query | Check] | ByHost[Sequence[Query | Check]]) -> Result:
    """Return as ``result`` each query's value by name, ``None`` where the host has none.

    A profile's ``Check`` is judged too: those that do not pass are in ``failing``, with a reason
    code by name, and the host counts as failed.
    """
    asked = _own(task.host, queries)
    values = session_of(task).probe(
        [
            Query(each.name, each.path, each.command, each.pattern)
            if isinstance(each, Check)
            else each
            for each in asked
        ]
    )
    judged = {
        each.name: each.judge(values.get(each.name)) for each in asked if isinstance(each, Check)
    }
    failing = {
        name: reason for name, (verdict, reason) in judged.items() if verdict != CheckResult.PASSED
    }
    return Result(task.host, result=values, failed=bool(failing), failing=failing)


def diff(
    task: Task,
    wanted: Tree | ByHost[Tree],
    scope: Collection[Path] | ByHost[Collection[Path]] = (),
    site: str = "",
) -> Result:
    """Return as ``result`` the edits that make ``wanted`` true, in the shape ``apply`` takes.

    ``diff`` has them in the host's own words; nothing is sent. What the host holds in ``scope``
    and ``wanted`` does not have goes; without a scope nothing does. A wanted secret is always an
    edit, as the host tells no more than a digest of its own.
    """
    target, roots = _own(task.host, wanted), _own(task.host, scope)
    held = session_of(task).read({*target, *roots})
    compared = within(held, roots) | {path: held[path] for path in target if path in held}
    edits = difference(compared, target)
    return Result(task.host, result=SiteEdits(site, edits), diff=native(_profile(task.host), edits))


def apply(
    task: Task,
    batch: Sequence[SiteEdits] | ByHost[Sequence[SiteEdits]],
    mode: ApplyMode | None = None,
    *,
    dry_run: bool | None = None,
) -> Result:
    """Bring edits onto the host, in one transaction where it can; return the ``Receipt``.

    ``diff`` is what was sent, secrets masked. The host counts as failed when the device refused
    any part. In a dry run (``dry_run``, or else Nornir's own) ``diff`` is what would be sent,
    the result is ``None``, and no conversation is begun.
    """
    parts, profile = _own(task.host, batch), _profile(task.host)
    _refuse_plain_secrets(task.host, profile, parts)
    edits = [edit for part in parts for edit in part.edits]
    if task.is_dry_run(dry_run):
        return Result(task.host, changed=bool(edits), diff=native(profile, edits))
    mode = mode or ApplyMode(f"nornir-{uuid4().hex}")
    receipt = session_of(task).apply(parts, mode)
    outcomes = [part.outcome for part in receipt.sites]
    return Result(
        task.host,
        result=receipt,
        diff=receipt.sent,
        changed=bool(edits) and SiteOutcome.APPLIED in outcomes,
        failed=any(outcome != SiteOutcome.APPLIED for outcome in outcomes),
    )


def confirm(task: Task, transaction: str) -> Result:
    """Make a confirmed commit permanent (RFC 6241 section 8.4)."""
    session_of(task).confirm(transaction)
    return Result(task.host, changed=True)


def cancel(task: Task, transaction: str) -> Result:
    """Take a confirmed commit back at once."""
    session_of(task).cancel(transaction)
    return Result(task.host, changed=True)


def session_of(task: Task) -> Session:
    """Return the host's open session, opened if it is not yet. Raises AdapterError."""
    return cast(Session, task.host.get_connection(NAME, task.nornir.config))


def _profile(host: Host) -> Profile:
    extras = host.get_connection_parameters(NAME).extras or {}
    profile: Profile = extras.get("profiles", load_profile)(host.platform or "")
    return profile


def _own(host: Host, given: Value | ByHost[Value]) -> Value:
    if not isinstance(given, ByHost):
        return given
    if host.name not in given.values:
        raise Unsupported("an argument has no value for this host", device=host.name)
    return given.values[host.name]


def _refuse_plain_secrets(host: Host, profile: Profile, parts: Sequence[SiteEdits]) -> None:
    """Nornir logs arguments: a secret among them is refused, however well it would work."""
    if any(_is_plain_secret(profile, edit) for part in parts for edit in part.edits):
        raise Unsupported("a secret is wanted by its name, secret:<name>", device=host.name)


def _is_plain_secret(profile: Profile, edit: Edit) -> bool:
    return (
        bool(edit.after) and SECRET_PREFIX not in str(edit.after) and profile.is_secret(edit.path)
    )
