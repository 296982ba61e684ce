"""Comparison of a site's snapshots with each other or with what its devices hold now."""

from collections.abc import Collection, Mapping

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from device_profiles.fragment import merged
from device_profiles.tree import Path, Tree, difference, in_scope, path_text, topmost
from rom.answers.sites import ComparedDevice, ComparedPath, SiteComparison
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.model.errors import UnknownTarget
from rom.model.snapshot import Sealer
from rom.store import snapshots
from rom.store.database import Connection, Engine
from rom.undo.preview import shown
from rom.undo.way_back import places

_LATEST = 2**63 - 1


class Comparison:
    """Compares; sends nothing."""

    def __init__(
        self, engine: Engine, fleet: Fleet, devices: DeviceDirectory, sealer: Sealer
    ) -> None:
        self._engine = engine
        self._fleet = fleet
        self._devices = devices
        self._sealer = sealer

    def of_site(self, site: str, first: int | None, second: int | None) -> SiteComparison:
        """Return what differs by device between two snapshots.

        Without a second one the devices are read now; without any, the latest is the first.
        Number 0 is before everything. Raises ``UnknownSite`` for an unknown site and
        ``UnknownTarget`` for a number that is none of its snapshots.
        """
        with self._engine.connect() as connection:
            found = places(connection, site)
            numbers = {entry.number for entry in snapshots.entries(connection, site)}
            for number in (first, second):
                if number and number not in numbers:
                    message = f"site {site} has no snapshot {number}"
                    raise UnknownTarget(message)
            first = max(numbers, default=0) if first is None else first
            before = self._trees(connection, site, first)
            after: Mapping[str, Tree | Exception] = (
                self._live(connection, site, {*before, *(place.device for place in found)}, before)
                if second is None
                else self._trees(connection, site, second)
            )
        devices = tuple(
            _compared(device, before.get(device, {}), after.get(device, {}))
            for device in sorted({*before, *after})
        )
        return SiteComparison(
            site=site, a=first, b="live" if second is None else second, devices=devices
        )

    def _trees(self, connection: Connection, site: str, number: int) -> dict[str, Tree]:
        found = snapshots.site_at(connection, self._sealer, site, number)
        return {device: snapshot.tree for device, snapshot in found.items()}

    def _live(
        self,
        connection: Connection,
        site: str,
        devices: Collection[str],
        compared: Mapping[str, Tree],
    ) -> dict[str, Tree | Exception]:
        """Return what the devices hold of what the site has now and of what it is compared with."""
        endpoints = []
        present: dict[str, Tree | Exception] = {}
        scopes: dict[str, tuple[Path, ...]] = {}
        latest = snapshots.site_at(connection, self._sealer, site, _LATEST)
        for device in devices:
            own = merged(latest[device].fragments).own if device in latest else {}
            scopes[device] = topmost({*own, *_leaves(compared.get(device, {}))})
            try:
                endpoints.append(self._devices.endpoint(connection, device, site))
            except (NoDevice, AdapterError) as error:
                present[device] = error
        read = self._fleet.read(
            [endpoint for endpoint in endpoints if scopes[endpoint.device]], scopes
        )
        return present | {
            device: tree if isinstance(tree, AdapterError) else in_scope(tree, scopes[device])
            for device, tree in read.items()
        }


def _leaves(tree: Tree) -> set[Path]:
    """Return what lies lowest: an entry around it is somebody else's and is not read whole."""
    above = {path[:length] for path in tree for length in range(1, len(path))}
    return tree.keys() - above


def _compared(device: str, before: Tree, after: Tree | Exception) -> ComparedDevice:
    if isinstance(after, Exception):
        return ComparedDevice(device=device, differences=(), error=str(after))
    return ComparedDevice(
        device=device,
        differences=tuple(
            ComparedPath(
                kind=_kind(edit.before, edit.after),
                path=path_text(edit.path),
                a=shown(edit.before),
                b=shown(edit.after),
            )
            for edit in difference(before, after)
        ),
    )


def _kind(before: str | None, after: str | None) -> str:
    if before is None:
        return "added"
    return "removed" if after is None else "changed"
