"""Preview of a site's rollback: what each device would be sent, and what stands in the way."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from device_profiles.fragment import merged
from device_profiles.native import native
from device_profiles.profile import load_profile
from device_profiles.tree import Path, Tree, path_text
from inventory.queries import holdings
from rom.fulfilment.targets import NoTarget, Targets
from rom.ledger import store
from rom.ledger.model import Policy, SitePlan, SiteState
from rom.ledger.plan import plan_site, read_scope
from rom.ledger.snapshots import Sealer
from rom.rollback.target import Place, Target, places, resolve


class RollbackPreview:
    """Reads every device of a site in parallel and plans the way back; sends nothing."""

    def __init__(self, engine: sa.Engine, fleet: Fleet, targets: Targets, sealer: Sealer) -> None:
        self._engine = engine
        self._fleet = fleet
        self._targets = targets
        self._sealer = sealer

    def of_site(
        self,
        site: str,
        *,
        to: int | None = None,
        before: str | None = None,
        policy: Policy = Policy.REFUSE,
    ) -> dict[str, Any]:
        """Return the preview; devices come in the order in which they would be changed.

        Raises ``KeyError`` for a site that has nothing anywhere and ``UnknownTarget``.
        """
        with self._engine.connect() as connection:
            found = places(connection, site)
            target = resolve(connection, self._sealer, site, to=to, before=before)
            states = {place.device: self._state(connection, site, place, target) for place in found}
            writers = {
                place.device: store.writers_after(connection, place.device, site) for place in found
            }
            releases = [
                {"name": held.name, "pool": held.pool, "value": held.value}
                for held in holdings(connection, site)
                if held.order_id in target.orders
            ]
        present = self._read(site, found, states, target)
        return {
            "site": site,
            "target": target.number,
            "orders": list(target.orders),
            "devices": [
                {
                    "device": place.device,
                    "role": place.role,
                    "order": position,
                    **self._entry(
                        site,
                        place,
                        present[place.device],
                        states[place.device],
                        target,
                        policy,
                        writers[place.device],
                    ),
                }
                for position, place in enumerate(found, 1)
            ],
            "releases": releases,
        }

    def _state(
        self, connection: sa.Connection, site: str, place: Place, target: Target
    ) -> SiteState:
        wanted = merged(target.wanted(place.device))
        roots = [item.root for item in wanted.shared]
        return store.site_states(connection, place.device, {site: roots})[site]

    def _read(
        self,
        site: str,
        found: list[Place],
        states: Mapping[str, SiteState],
        target: Target,
    ) -> dict[str, Tree | AdapterError | NoTarget]:
        endpoints = []
        present: dict[str, Tree | AdapterError | NoTarget] = {}
        with self._engine.connect() as connection:
            for place in found:
                try:
                    endpoints.append(self._targets.endpoint(connection, place.device, site))
                except (NoTarget, AdapterError) as error:
                    present[place.device] = error
        scopes = {
            place.device: read_scope(merged(target.wanted(place.device)), states[place.device])
            for place in found
        }
        read = self._fleet.run(endpoints, lambda device, session: session.read(scopes[device]))
        return present | dict(read)

    def _entry(
        self,
        site: str,
        place: Place,
        present: Tree | AdapterError | NoTarget,
        state: SiteState,
        target: Target,
        policy: Policy,
        writers: Mapping[Path, Mapping[str, Any]],
    ) -> dict[str, Any]:
        if isinstance(present, AdapterError | NoTarget):
            return {
                "edits": 0,
                "sends": "",
                "already": [],
                "conflicts": [],
                "error": str(present),
            }
        with self._engine.connect() as connection:
            profile = load_profile(self._targets.profile_name(connection, place.device, site))
        wanted = merged(target.wanted(place.device))
        if not wanted.own and profile.quirks.one_way:
            return {
                "edits": 0,
                "sends": "",
                "already": [],
                "conflicts": [],
                "note": profile.quirks.one_way,
            }
        plan = plan_site(site, wanted, present, state, policy)
        return {
            "edits": len(plan.edits),
            "sends": native(profile, plan.edits) if plan.edits else "",
            "already": [path_text(path) for path in plan.lapsed],
            "kept": [path_text(path) for path in plan.kept],
            "conflicts": _conflicts(plan),
            "later": [
                {"path": path_text(path), **writers.get(path, {"site": writer})}
                for path, writer in plan.relinked
            ],
        }


def _conflicts(plan: SitePlan) -> list[dict[str, Any]]:
    return [
        {
            "kind": conflict.kind.value,
            "path": path_text(conflict.path),
            "expected": conflict.expected,
            "found": conflict.found,
            "blocks": conflict in plan.blocking,
        }
        for conflict in plan.conflicts
    ]
