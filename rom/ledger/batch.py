"""Planning several sites for one device transaction, each on top of what the others will do. Pure.

A shared object that two of them need is created once; one that a site leaves while another takes
it up stays. Sites that would write the same path of their own go one after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from device_profiles.fragment import Fragment
from device_profiles.tree import Path, Tree, patched
from rom.ledger.plan import plan_site
from rom.model.change import Policy
from rom.model.effect import SharedState, SiteState
from rom.model.plan import SitePlan

Wishes = Mapping[str, tuple[Fragment, SiteState]]


def plan_batch(
    wishes: Wishes, present: Tree, policies: Mapping[str, Policy] | None = None
) -> dict[str, SitePlan]:
    """Plan the sites of one device transaction.

    A blocked site's plan is not part of what the others build on. A site is missing from the
    result when it has to wait for the others, because it writes where one of them does: what it
    will find there can only be known, and kept, when they are through.
    """
    going = dict(wishes)
    blocked: dict[str, SitePlan] = {}
    while True:
        batch = _Batch(going, dict(present))
        for site in going:
            batch.plan(site, (policies or {}).get(site, Policy.APPLY))
        if len(batch.plans) == len(going):
            return {**batch.finished(), **blocked}
        blocked |= batch.blocked
        going = {site: going[site] for site in batch.plans}


@dataclass
class _Batch:
    wishes: Wishes
    now: dict[Path, str]
    plans: dict[str, SitePlan] = field(default_factory=dict)
    blocked: dict[str, SitePlan] = field(default_factory=dict)
    shared: dict[Path, SharedState] = field(default_factory=dict)
    """Shared objects as the plans so far leave them."""
    claimants: dict[Path, set[str]] = field(default_factory=dict)
    """By shared object: the sites of the batch that want it, planned already or not."""
    releasers: dict[Path, set[str]] = field(default_factory=dict)
    makers: dict[Path, str] = field(default_factory=dict)
    touched: set[Path] = field(default_factory=set)
    relies: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for site, (wanted, _) in self.wishes.items():
            for item in wanted.shared:
                self.claimants.setdefault(item.root, set()).add(site)

    def plan(self, site: str, policy: Policy) -> None:
        wanted, state = self.wishes[site]
        shared = {root: self._with_claimants(root, known) for root, known in state.shared.items()}
        plan = plan_site(site, wanted, self.now, replace(state, shared=shared), policy)
        touched = {edit.path for edit in plan.own_edits}
        touched.update(plan.lapsed, (path for path, _ in plan.relinked))
        if plan.blocking:
            self.blocked[site] = plan
        elif not touched & self.touched:
            self.plans[site] = plan
            self.touched |= touched
            self.now = patched(self.now, plan.edits)
            self._share(plan)

    def _with_claimants(self, root: Path, known: SharedState) -> SharedState:
        present = self.shared.get(root, known)
        return replace(present, owners=present.owners | self.claimants.get(root, set()))

    def _share(self, plan: SitePlan) -> None:
        """Remember what becomes of shared objects, and whose part in it the plan builds on."""
        site, relies = plan.site, self.relies.setdefault(plan.site, set())
        known_before = self.wishes[site][1].shared
        for item in plan.claims:
            known = self.shared.get(item.root) or known_before.get(item.root)
            owners = known.owners if known else frozenset()
            made = item.root in plan.created or bool(known and known.created_by_rom)
            held = bool(known and known.held)
            self.shared[item.root] = SharedState(item.tree, made, owners | {site}, held)
            if any(edit.path in item.tree for edit in plan.edits):
                self.makers[item.root] = site
            relies.add(self.makers.get(item.root, site))
        for root in plan.released:
            known = self.shared.get(root) or known_before[root]
            self.shared[root] = replace(known, owners=known.owners - {site})
            left = self.releasers.setdefault(root, set())
            if not known_before[root].owners - left - {site}:
                relies.update(left, self.claimants.get(root, ()))
            left.add(site)

    def finished(self) -> dict[str, SitePlan]:
        """Return the plans, each with the sites it relies on that send something as well."""
        sending = {site for site, plan in self.plans.items() if plan.edits}
        return {
            site: replace(plan, relies=frozenset(self.relies[site] & sending - {site}))
            for site, plan in self.plans.items()
        }
