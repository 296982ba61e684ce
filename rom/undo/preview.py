"""Preview of a site's rollback: what each device would be sent, and what stands in the way."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from device_profiles.fragment import Fragment, merged
from device_profiles.native import native
from device_profiles.profile import Profile, load_profile
from device_profiles.references import Users
from device_profiles.tree import DIGEST_PREFIX, SECRET_PREFIX, Path, Tree, path_text
from rom.answers.sites import ConflictLine, LaterWriter, PreviewDevice, Release
from rom.answers.sites import RollbackPreview as Preview
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.ledger.plan import leaving, plan_site, read_scope
from rom.model.change import Policy
from rom.model.effect import SiteState, Writer
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
    writers: Mapping[Path, Writer]

    @property
    def stays(self) -> str:
        """Why nothing is taken back here, and what is done instead; empty where it is."""
        one_way = self.profile.quirks.one_way if self.profile else ""
        return one_way if one_way and not self.wanted.own and not self.wanted.shared else ""


Read = tuple[Tree, Users]
_SAID = {"device", "sends", "already", "kept", "conflicts"}


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
    ) -> Preview:
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
        preview = Preview(
            site=site,
            target=target.number,
            orders=target.orders,
            devices=tuple(
                _part(site, each, position, present.get(each.place.device), policy)
                for position, each in enumerate(known, 1)
            ),
            releases=tuple(
                Release(name=held.name, pool=held.pool, value=held.value) for held in going
            ),
            hash="",
        )
        return preview.model_copy(update={"hash": hash_of(preview)})

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


def hash_of(preview: Preview) -> str:
    """Return what stands for all that a preview says would happen.

    Not for how it is told: the words of a device that does not answer, or when others wrote.
    """
    said = {
        **preview.model_dump(mode="json", exclude={"hash", "devices"}),
        "devices": [
            {
                **row.model_dump(mode="json", include=_SAID),
                "later": [each.path for each in row.later],
                "error": row.error is not None,
            }
            for row in preview.devices
        ],
    }
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _part(
    site: str, known: _Known, turn: int, present: Read | AdapterError | None, policy: Policy
) -> PreviewDevice:
    if known.stays:
        return _nothing(known.place, turn, note=known.stays)
    if not isinstance(present, tuple):
        return _nothing(known.place, turn, error=str(present))
    held, users = present
    for used in users.values():
        held = {**held, **used}
    state = known.state.used_by(users, users.keys())
    plan = plan_site(site, known.wanted, held, state, policy)
    return PreviewDevice(
        device=known.place.device,
        role=known.place.role,
        order=turn,
        edits=len(plan.edits),
        sends=native(known.profile, plan.edits) if plan.edits and known.profile else "",
        already=_texts(plan.lapsed),
        kept=_texts(plan.kept),
        conflicts=_conflicts(plan),
        later=tuple(
            _later(path, site_after, known.writers.get(path)) for path, site_after in plan.relinked
        ),
    )


def _nothing(place: Place, turn: int, **why: str) -> PreviewDevice:
    return PreviewDevice(
        device=place.device,
        role=place.role,
        order=turn,
        edits=0,
        sends="",
        already=(),
        kept=(),
        conflicts=(),
        later=(),
        **why,
    )


def _later(path: Path, site: str, writer: Writer | None) -> LaterWriter:
    if writer is None:
        return LaterWriter(path=path_text(path), site=site)
    return LaterWriter(
        path=path_text(path),
        site=writer.site,
        order=writer.order_id,
        time=writer.time.isoformat() if writer.time else None,
    )


def _texts(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(path_text(path) for path in paths)


def _conflicts(plan: SitePlan) -> tuple[ConflictLine, ...]:
    return tuple(
        ConflictLine(
            kind=conflict.kind.value,
            path=path_text(conflict.path),
            expected=shown(conflict.expected),
            found=shown(conflict.found),
            blocks=conflict in plan.blocking,
        )
        for conflict in plan.conflicts
    )


def shown(value: str | None) -> str | None:
    """Return a value for people to read; of a secret only that it is one."""
    if value is not None and value.startswith((DIGEST_PREFIX, SECRET_PREFIX)):
        return "<secret>"
    return value
