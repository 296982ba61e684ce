"""One device transaction on its way: who takes part, with which plan, and what is written of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from device_profiles.fragment import Fragment
from device_profiles.tree import Path, Tree
from rom.ledger.plan import own_scope
from rom.model.change import Change
from rom.model.effect import SiteState
from rom.model.plan import SitePlan
from rom.model.snapshot import Moment, Sealer, SiteSnapshot, Taken
from rom.model.transaction import SiteOutcome, Worked
from rom.store import changes, snapshots, transactions
from rom.store.database import Connection

Claimed = Mapping[str, list[Change]]
"""By site: the changes it waits for."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a site wants on the device, and what the ledger holds of it there."""

    role: str
    fragments: Mapping[str, Fragment]
    wanted: Fragment
    state: SiteState

    @property
    def own(self) -> tuple[Path, ...]:
        """The topmost paths that are, or are going to be, the site's own."""
        return own_scope(self.wanted, self.state)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The sites of one device transaction with their plans, wishes and changes."""

    transaction: str
    device: str
    plans: Mapping[str, SitePlan]
    wishes: Mapping[str, Wish]
    claimed: Claimed
    worked: Worked = None
    """What the service check found working before."""
    evident: tuple[Path, ...] = ()
    """What is shown as evidence, the same before and after."""

    @property
    def orders(self) -> dict[str, str | None]:
        """By site: the order it is written for."""
        return {site: self.claimed[site][-1].order_id for site in self.plans}

    def open(self, connection: Connection, sealer: Sealer, epoch: int, present: Tree) -> None:
        """Write the transaction as planned, with the snapshots before it."""
        kinds = {row.kind for site in self.plans for row in self.claimed[site]}
        transactions.open_transaction(
            connection,
            self.transaction,
            self.device,
            kinds,
            epoch,
            self.plans.values(),
            self.orders,
            {site: self.wishes[site].fragments for site in self.plans},
        )
        known = snapshots.latest_of_sites(connection, sealer, list(self.plans), self.device)
        before = {site: each.fragments for site, each in known.items()}
        self.keep_snapshots(connection, sealer, Moment.BEFORE, list(self.plans), before, present)

    def keep_snapshots(
        self,
        connection: Connection,
        sealer: Sealer,
        moment: Moment,
        sites: list[str],
        fragments: Mapping[str, Mapping[str, Fragment]],
        shown: Tree,
    ) -> None:
        """Write a snapshot of each of the sites, cut out of one read."""
        parts = snapshots.by_site(shown, {site: self.wishes[site].own for site in sites})
        snapshots.keep_all(
            connection,
            sealer,
            device=self.device,
            transaction=self.transaction,
            moment=moment,
            taken=[
                Taken(
                    site,
                    self.wishes[site].role,
                    self.claimed[site][-1].order_id,
                    SiteSnapshot(fragments.get(site, {}), parts[site]),
                )
                for site in sites
            ],
        )

    def refuse(self, connection: Connection, site: str, reason: str, error: str) -> None:
        """The device said no to a site: so are its changes settled."""
        transactions.settle_site(
            connection, self.transaction, site, SiteOutcome.REFUSED, error=error
        )
        changes.refuse(
            connection,
            self.claimed[site],
            transaction=self.transaction,
            reason=reason,
            error=error,
        )
