"""Preview of a site's rollback: what each device would be sent, and what stands in the way."""

from typing import Any

import sqlalchemy as sa
from adapters.fleet import Fleet

from adapters.errors import AdapterError
from device_profiles.fragment import Fragment
from device_profiles.native import native
from device_profiles.profile import load_profile
from device_profiles.tree import path_text
from inventory.queries import site_allocations
from rom.fulfilment.targets import Targets
from rom.ledger import intents, store
from rom.ledger.model import SitePlan, SiteState
from rom.ledger.plan import plan_site, read_scope

ACTIVATION = ("logistics", "access", "bng", "dhcp4", "dhcp6", "radius", "ce", "probe", "agent")


class RollbackPreview:
    """Reads every device of a site in parallel and plans its way back to nothing; sends nothing."""

    def __init__(self, engine: sa.Engine, fleet: Fleet, targets: Targets) -> None:
        self._engine = engine
        self._fleet = fleet
        self._targets = targets

    def of_site(self, site: str) -> dict[str, Any]:
        """Return the preview; devices come in the order in which they would be changed.

        Raises ``KeyError`` for a site that has nothing anywhere.
        """
        with self._engine.connect() as connection:
            places = intents.devices_of_site(connection, site)
            if not places:
                raise KeyError(site)
            states = {
                row.device: store.site_states(connection, row.device, {site: ()})[site]
                for row in places
            }
            endpoints = {
                row.device: self._targets.endpoint(connection, row.device, site) for row in places
            }
            held = site_allocations(connection, site)
        nothing = Fragment()
        scopes = {device: read_scope(nothing, state) for device, state in states.items()}
        found = self._fleet.run(
            list(endpoints.values()), lambda device, session: session.read(scopes[device])
        )
        reverse = sorted(places, key=lambda row: ACTIVATION.index(row.role), reverse=True)
        devices = []
        for position, row in enumerate(reverse, 1):
            present = found[row.device]
            entry: dict[str, Any] = {"device": row.device, "role": row.role, "order": position}
            if isinstance(present, AdapterError):
                entry |= {"edits": 0, "sends": "", "already": [], "error": str(present)}
                entry["conflicts"] = []
            else:
                plan = plan_site(site, nothing, present, states[row.device])
                entry |= _entry(plan, states[row.device], endpoints[row.device].profile)
            devices.append(entry)
        return {
            "site": site,
            "devices": devices,
            "releases": [
                {"name": name, "pool": attributes.get("pool", ""), "value": attributes["value"]}
                for name, attributes in sorted(held.items())
            ],
        }


def _entry(plan: SitePlan, state: SiteState, profile_name: str) -> dict[str, Any]:
    edited = {edit.path for edit in plan.edits}
    return {
        "edits": len(plan.edits),
        "sends": native(load_profile(profile_name), plan.edits) if plan.edits else "",
        "already": [path_text(path) for path in sorted(state.net.keys() - edited)],
        "conflicts": [
            {
                "kind": conflict.kind.value,
                "path": path_text(conflict.path),
                "expected": conflict.expected,
                "found": conflict.found,
            }
            for conflict in plan.conflicts
        ],
    }
