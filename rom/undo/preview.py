"""Preview of a site's rollback: what each device would be sent, and what stands in the way."""

from collections.abc import Mapping
from typing import Any

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from device_profiles.fragment import merged
from device_profiles.native import native
from device_profiles.profile import Profile, load_profile
from device_profiles.tree import DIGEST_PREFIX, SECRET_PREFIX, Path, Tree, path_text
from inventory.queries import holdings
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.ledger.plan import plan_site, read_scope
from rom.model.change import Policy
from rom.model.effect import SiteState
from rom.model.intent import Place
from rom.model.plan import SitePlan
from rom.model.snapshot import Sealer
from rom.store import effects
from rom.store.database import Connection, Engine
from rom.undo.target import Target, places, resolve


class RollbackPreview:
    """Reads every device of a site in parallel and plans the way back; sends nothing."""

    def __init__(
        self, engine: Engine, fleet: Fleet, devices: DeviceDirectory, sealer: Sealer
    ) -> None:
        self._engine = engine
        self._fleet = fleet
        self._devices = devices
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

        Raises ``KeyError`` for an unknown site, ``UnknownTarget`` and ``TargetGone``.
        """
        with self._engine.connect() as connection:
            found = places(connection, site)
            target = resolve(connection, self._sealer, site, to=to, before=before)
            profiles = {place.device: self._profile(connection, place, site) for place in found}
            states = {place.device: self._state(connection, site, place, target) for place in found}
            writers = {
                place.device: effects.writers_after(connection, place.device, site)
                for place in found
            }
            releases = [
                {"name": held.name, "pool": held.pool, "value": held.value}
                for held in holdings(connection, site)
                if held.order_id in target.orders
            ]
        stays = {
            device: profile.quirks.one_way
            for device, profile in profiles.items()
            if profile is not None and profile.quirks.one_way and not target.wanted(device)
        }
        present = self._read(
            site, [place for place in found if place.device not in stays], states, target
        )
        return {
            "site": site,
            "target": target.number,
            "orders": list(target.orders),
            "devices": [
                {
                    "device": place.device,
                    "role": place.role,
                    "order": position,
                    **(
                        _nothing(note=stays[place.device])
                        if place.device in stays
                        else _entry(
                            plan_site(
                                site,
                                merged(target.wanted(place.device)),
                                held,
                                states[place.device],
                                policy,
                            ),
                            profiles[place.device],
                            writers[place.device],
                        )
                        if isinstance(held := present[place.device], Mapping)
                        else _nothing(error=str(held))
                    ),
                }
                for position, place in enumerate(found, 1)
            ],
            "releases": releases,
        }

    def _profile(self, connection: Connection, place: Place, site: str) -> Profile | None:
        """Return the platform, ``None`` where inventory does not know the device any more."""
        try:
            return load_profile(self._devices.profile_name(connection, place.device, site))
        except NoDevice:
            return None

    def _state(self, connection: Connection, site: str, place: Place, target: Target) -> SiteState:
        wanted = merged(target.wanted(place.device))
        roots = [item.root for item in wanted.shared]
        return effects.site_states(connection, place.device, {site: roots})[site]

    def _read(
        self,
        site: str,
        found: list[Place],
        states: Mapping[str, SiteState],
        target: Target,
    ) -> dict[str, Tree | AdapterError | NoDevice]:
        endpoints = []
        present: dict[str, Tree | AdapterError | NoDevice] = {}
        with self._engine.connect() as connection:
            for place in found:
                try:
                    endpoints.append(self._devices.endpoint(connection, place.device, site))
                except (NoDevice, AdapterError) as error:
                    present[place.device] = error
        scopes = {
            place.device: read_scope(merged(target.wanted(place.device)), states[place.device])
            for place in found
        }
        read = self._fleet.run(endpoints, lambda device, session: session.read(scopes[device]))
        return present | dict(read)


def _nothing(**why: str) -> dict[str, Any]:
    return {
        "edits": 0, "sends": "", "already": [], "kept": [], "conflicts": [], "later": [], **why
    }  # fmt: skip


def _entry(
    plan: SitePlan, profile: Profile | None, writers: Mapping[Path, Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "edits": len(plan.edits),
        "sends": native(profile, plan.edits) if plan.edits and profile else "",
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
            "expected": shown(conflict.expected),
            "found": shown(conflict.found),
            "blocks": conflict in plan.blocking,
        }
        for conflict in plan.conflicts
    ]


def shown(value: str | None) -> str | None:
    """Return a value for people to read; of a secret only that it is one."""
    if value is not None and value.startswith((DIGEST_PREFIX, SECRET_PREFIX)):
        return "<secret>"
    return value
