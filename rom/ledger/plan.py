"""Planning: the smallest edit that makes a site's intent true on a device. Pure.

Apply, modify and rollback are one operation; a rollback wants the empty fragment. What existed
before us is restored, never deleted, and what other sites wrote is never looked at.
"""

from collections.abc import Iterable

from device_profiles.fragment import Fragment
from device_profiles.tree import PRESENT, Path, Tree, topmost
from rom.ledger.draft import Draft
from rom.model.change import Policy
from rom.model.effect import SiteState
from rom.model.plan import SitePlan


def read_scope(wanted: Fragment, state: SiteState) -> frozenset[Path]:
    """Return the paths to read from the device before a site can be planned.

    The site's own entries are read whole. Of a shared object only its own leaves are read, unless
    the site is about to leave it: then all that hangs below decides whether it may go.
    """
    own = own_scope(wanted, state)
    roots = {item.root for item in wanted.shared}
    leaves = {path for item in wanted.shared for path in _informative(item.tree)}
    left = {root for root in state.shared if root not in roots}
    return frozenset([*own, *leaves, *left])


def own_scope(wanted: Fragment, state: SiteState) -> tuple[Path, ...]:
    """Return the topmost paths that are, or are going to be, the site's own."""
    return topmost([*wanted.own, *state.net])


def leaving(wanted: Fragment, state: SiteState) -> frozenset[Path]:
    """Return the entries that the site made and is about to leave: others may refer to them."""
    own = {
        path
        for path, effect in state.net.items()
        if effect.before is None and effect.read_back == PRESENT and path not in wanted.own
    }
    return frozenset(own | state.shared.keys() - {item.root for item in wanted.shared})


def _informative(tree: Tree) -> Iterable[Path]:
    parents = {path[:length] for path in tree for length in range(1, len(path))}
    return (path for path, value in tree.items() if value != PRESENT or path not in parents)


def plan_site(
    site: str,
    wanted: Fragment,
    present: Tree,
    state: SiteState,
    policy: Policy = Policy.APPLY,
) -> SitePlan:
    """Plan one site against what the device holds now."""
    draft = Draft(site, present, state, policy)
    for item in wanted.shared:
        draft.claim(item)
    for path in sorted(wanted.own):
        draft.want(path, wanted.own[path])
    for path in sorted(state.net.keys() - wanted.own.keys()):
        draft.restore(path, state.net[path])
    wanted_roots = {item.root for item in wanted.shared}
    draft.release({root: state.shared[root] for root in sorted(state.shared.keys() - wanted_roots)})
    return draft.finished(wanted)
