"""Preview of a site's rollback: what each device would be sent, and what stands in the way."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from device_profiles.fragment import Fragment, merged
from device_profiles.native import native
from device_profiles.profile import Profile, load_profile
from device_profiles.references import Users
from device_profiles.tree import DIGEST_PREFIX, SECRET_PREFIX, Path, Tree, path_text
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.ledger.plan import leaving, plan_site, read_scope
from rom.model.change import Policy
from rom.model.effect import SiteState
from rom.model.intent import Place
from rom.model.plan import SitePlan
from rom.model.snapshot import Sealer
from rom.store import effects
from rom.store.database import Connection, Engine
from rom.undo.give_back import GiveBack
from rom.undo.target import Target, resolve
from rom.undo.tasks import items_of
from rom.undo.way_back import places


@dataclass(frozen=True, slots=True)
class _Known:
    """What the gateway knows of a device's part before it is read."""

    place: Place
    wanted: Fragment
    state: SiteState
    profile: Profile | None
    writers: Mapping[Path, Mapping[str, Any]]

    @property
    def stays(self) -> str:
        """Why nothing is taken back here, and what is done instead; empty where it is."""
        one_way = self.profile.quirks.one_way if self.profile else ""
        return one_way if one_way and not self.wanted.own and not self.wanted.shared else ""


Read = tuple[Tree, Users]


class RollbackPreview:
    """Reads every device of a site in parallel and plans the way back; sends nothing."""

    def __init__(
        self,
        engine: Engine,
        fleet: Fleet,
        devices: DeviceDirectory,
        sealer: Sealer,
        give_back: GiveBack,
    ) -> None:
        self._engine = engine
        self._fleet = fleet
        self._devices = devices
        self._sealer = sealer
        self._give_back = give_back

    def of_site(
        self,
        site: str,
        *,
        to: int | None = None,
        before: str | None = None,
        policy: Policy = Policy.REFUSE,
    ) -> dict[str, Any]:
        """Return the preview; devices come in the order in which they would be changed.

        Its ``hash`` stands for all that would be sent, left and released. Raises
        ``UnknownSite``, ``UnknownTarget``, ``NotABoundary`` and ``TargetGone``.
        """
        with self._engine.connect() as connection:
            found = places(connection, site)
            target = resolve(connection, self._sealer, site, to=to, before=before)
            known = [self._known(connection, site, place, target) for place in found]
            taken = items_of(connection, site, target.orders)
            going = self._give_back.would_go(connection, site, taken)
        present = self._read(site, [each for each in known if not each.stays])
        preview = {
            "site": site,
            "target": target.number,
            "orders": list(target.orders),
            "devices": [
                {
                    "device": each.place.device,
                    "role": each.place.role,
                    "order": position,
                    **_part(site, each, present.get(each.place.device), policy),
                }
                for position, each in enumerate(known, 1)
            ],
            "releases": [
                {"name": held.name, "pool": held.pool, "value": held.value} for held in going
            ],
        }
        return {**preview, "hash": hash_of(preview)}

    def _known(self, connection: Connection, site: str, place: Place, target: Target) -> _Known:
        wanted = merged(target.wanted(place.device))
        roots = [item.root for item in wanted.shared]
        return _Known(
            place,
            wanted,
            effects.site_states(connection, place.device, {site: roots})[site],
            self._profile(connection, place, site),
            effects.writers_after(connection, place.device, site),
        )

    def _profile(self, connection: Connection, place: Place, site: str) -> Profile | None:
        """Return the platform, ``None`` where inventory does not know the device any more."""
        try:
            return load_profile(self._devices.profile_name(connection, place.device, site))
        except NoDevice:
            return None

    def _read(self, site: str, known: Sequence[_Known]) -> dict[str, Read | AdapterError]:
        endpoints = []
        present: dict[str, Read | AdapterError] = {}
        parts = {each.place.device: each for each in known}
        with self._engine.connect() as connection:
            for device in parts:
                try:
                    endpoints.append(self._devices.endpoint(connection, device, site))
                except AdapterError as error:
                    present[device] = error

        trees = self._fleet.read(
            endpoints, {name: read_scope(each.wanted, each.state) for name, each in parts.items()}
        )
        users = self._fleet.users(
            endpoints, {name: leaving(each.wanted, each.state) for name, each in parts.items()}
        )
        for device, tree in trees.items():
            found = users[device]
            if isinstance(tree, AdapterError):
                present[device] = tree
            else:
                present[device] = found if isinstance(found, AdapterError) else (tree, found)
        return present


def hash_of(preview: Mapping[str, Any]) -> str:
    """Return what stands for all that a preview says would happen.

    Not for how it is told: the words of a device that does not answer, or when others wrote.
    """
    said = {
        **preview,
        "devices": [
            {
                **{name: row[name] for name in ("device", "sends", "already", "kept", "conflicts")},
                "later": [each["path"] for each in row["later"]],
                "error": "error" in row,
            }
            for row in preview["devices"]
        ],
    }
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _part(
    site: str, known: _Known, present: Read | AdapterError | None, policy: Policy
) -> dict[str, Any]:
    if known.stays:
        return _nothing(note=known.stays)
    if not isinstance(present, tuple):
        return _nothing(error=str(present))
    held, users = present
    for used in users.values():
        held = {**held, **used}
    state = known.state.used_by(users, users.keys())
    plan = plan_site(site, known.wanted, held, state, policy)
    return _entry(plan, known.profile, known.writers)


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
