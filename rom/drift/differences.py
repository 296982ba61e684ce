"""Drift of one site on one device: what is missing, changed or foreign. Pure."""

from device_profiles.fragment import Fragment
from device_profiles.tree import DIGEST_PREFIX, SECRET_PREFIX, Path, Tree, path_text, within
from rom.answers.sites import Difference
from rom.ledger.plan import plan_site
from rom.model.effect import SiteState
from rom.model.plan import ConflictKind, SitePlan


def find(site: str, wanted: Fragment, present: Tree, state: SiteState) -> tuple[Difference, ...]:
    """Return every path where the device differs from what the site should have there.

    ``kind`` is missing, changed, foreign (below an entry of ours, not by us) or left over (ours,
    but not wanted any more). Secrets are told as such, never shown.
    """
    plan = plan_site(site, wanted, present, state)
    differences = [_edited(edit.path, edit.before, edit.after) for edit in plan.edits]
    differences += [
        _difference("changed", conflict.path, conflict.expected, conflict.found)
        for conflict in plan.conflicts
        if conflict.kind is ConflictKind.TEMPLATE_DRIFT
    ]
    differences += [
        _difference("foreign", path, None, present[path])
        for path in _foreign(wanted, present, state, plan)
    ]
    return tuple(differences)


def _edited(path: Path, found: str | None, expected: str | None) -> Difference:
    if expected is None:
        return _difference("left-over", path, None, found)
    return _difference("missing" if found is None else "changed", path, expected, found)


def _difference(kind: str, path: Path, expected: str | None, found: str | None) -> Difference:
    return Difference(
        kind=kind, path=path_text(path), expected=_shown(expected), found=_shown(found)
    )


def _shown(value: str | None) -> str | None:
    if value is not None and value.startswith((DIGEST_PREFIX, SECRET_PREFIX)):
        return "<secret>"
    return value


def _foreign(wanted: Fragment, present: Tree, state: SiteState, plan: SitePlan) -> list[Path]:
    """Return what lies below entries that the site has created and is nobody's we know."""
    created = [
        path
        for path, effect in state.net.items()
        if effect.before is None and path in wanted.own and path[-1].endswith("]")
    ]
    known = {*wanted.own, *state.net, *(edit.path for edit in plan.edits)}
    known |= {path for item in wanted.shared for path in item.tree}
    parents = {path[:length] for path in known for length in range(1, len(path))}
    return sorted(path for path in within(present, created) if path not in known | parents)
