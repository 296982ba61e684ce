"""The audit: one scoped read of each device, in parallel, and every site on it compared.

Nothing is ever sent.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from adapters.seam import Endpoint
from device_profiles.fragment import Fragment, merged
from device_profiles.native import native
from device_profiles.profile import load_profile
from device_profiles.tree import Path, Tree, path_text
from rom.answers.devices import CheckedDevice, CheckedSite, DriftReport
from rom.answers.sites import KeptPath, RepairDevice, RepairPreview
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.drift import differences as drift
from rom.ledger.plan import plan_site, read_scope
from rom.metrics.failures import noted, words
from rom.model.effect import SiteState
from rom.model.errors import UnknownDevice, UnknownSite
from rom.model.plan import SitePlan
from rom.model.reason import Reason
from rom.model.verdict import DriftResult
from rom.store import change_list, effects, intents
from rom.store.database import Connection, Engine


@dataclass(frozen=True, slots=True)
class _Part:
    """A site's part of a device."""

    site: str
    role: str
    wanted: Fragment
    state: SiteState


class Audit:
    """Compares devices with the intents of all sites on them."""

    def __init__(self, engine: Engine, fleet: Fleet, devices: DeviceDirectory) -> None:
        self._engine = engine
        self._fleet = fleet
        self._devices = devices

    def check(self, devices: Collection[str] | None = None) -> DriftReport:
        """Return the drift report of some devices or of all, by site.

        Raises ``UnknownDevice`` for a device on which no site should have anything.
        """
        parts, under_way = self._parts(devices)
        for name in devices or ():
            if name not in parts and not any(device == name for device, _ in under_way):
                raise UnknownDevice(name)
        present = self._read(parts)
        rows: dict[str, list[CheckedDevice]] = {}
        for device, found in parts.items():
            for part in found:
                rows.setdefault(part.site, []).append(_checked(device, part, present[device]))
        for device, site in under_way:
            rows.setdefault(site, []).append(
                CheckedDevice(device=device, result=DriftResult.UNDER_WAY, differences=())
            )
        every = [row for site in rows.values() for row in site]
        return DriftReport(
            clean=all(row.result in (DriftResult.CLEAN, DriftResult.UNDER_WAY) for row in every),
            devices=len({row.device for row in every}),
            sites=tuple(
                CheckedSite(site=site, devices=tuple(sorted(rows[site], key=lambda r: r.device)))
                for site in sorted(rows)
            ),
        )

    def repairs(self, site: str) -> RepairPreview:
        """Return what bringing the site's intent out again would send to each device.

        ``kept`` tells which of it a rollback has left as somebody else had made it, by decision:
        that would be overwritten. Raises ``UnknownSite`` for a site without intents.
        """
        with self._engine.connect() as connection:
            devices = [row.device for row in intents.devices_of_site(connection, site)]
            kept = change_list.kept_at(connection, site)
        if not devices:
            raise UnknownSite(site)
        parts, _ = self._parts(devices, only=site)
        present = self._read(parts)
        return RepairPreview(
            site=site,
            devices=tuple(
                self._repair(device, found[0], present[device], kept.get(device))
                for device, found in parts.items()
            ),
        )

    def _repair(
        self,
        device: str,
        part: _Part,
        held: Tree | Exception,
        kept: tuple[str, frozenset[Path]] | None,
    ) -> RepairDevice:
        if isinstance(held, Exception):
            return RepairDevice(device=device, edits=0, sends="", kept=(), error=str(held))
        plan = plan_site(part.site, part.wanted, held, part.state)
        with self._engine.connect() as connection:
            profile = load_profile(self._devices.profile_name(connection, device, part.site))
        found = RepairDevice(
            device=device,
            edits=len(plan.edits),
            sends=native(profile, plan.edits),
            kept=_kept(plan, kept),
            differences=drift.find(part.site, part.wanted, held, part.state),
            overwrites=tuple(path_text(path) for path in plan.overwritten),
        )
        if not plan.blocking:
            return found
        first = plan.blocking[0]
        why = f"{first.kind.value} at {'/'.join(first.path)}; a person must decide"
        return found.model_copy(update={"error": why})

    def _parts(
        self, devices: Collection[str] | None, *, only: str | None = None
    ) -> tuple[dict[str, list[_Part]], list[tuple[str, str]]]:
        """Return what to compare by device, and the ``(device, site)`` that are being changed."""
        with self._engine.connect() as connection:
            sites_on = intents.sites_by_device(connection, devices, only=only)
            pairs = [(device, site) for device, sites in sites_on.items() for site in sites]
            changing = change_list.unsettled(connection)
            settled: dict[str, list[str]] = {}
            for device, site in sorted(pairs):
                if (device, site) not in changing:
                    settled.setdefault(device, []).append(site)
            parts = {
                device: _parts_of(connection, device, sites) for device, sites in settled.items()
            }
        return parts, sorted(changing.intersection(pairs))

    def _read(self, parts: Mapping[str, list[_Part]]) -> dict[str, Tree | Exception]:
        endpoints: list[Endpoint] = []
        present: dict[str, Tree | Exception] = {}
        scopes: dict[str, frozenset[Path]] = {}
        with self._engine.connect() as connection:
            for device, found in parts.items():
                scopes[device] = frozenset().union(
                    *(read_scope(part.wanted, part.state) for part in found)
                )
                try:
                    endpoints.append(self._devices.endpoint(connection, device, found[0].site))
                except (NoDevice, AdapterError) as error:
                    present[device] = error
        read = self._fleet.read(endpoints, scopes)
        return present | dict(read)


def _checked(device: str, part: _Part, held: Tree | Exception) -> CheckedDevice:
    if isinstance(held, Exception):
        return CheckedDevice(
            device=device, result=DriftResult.UNREACHABLE, differences=(), error=str(held)
        )
    try:
        found = drift.find(part.site, part.wanted, held, part.state)
    except Exception as error:  # noqa: BLE001 - supervised: one site must not hide the others
        incident = noted("audit", error, site=part.site, device=device)
        return CheckedDevice(
            device=device,
            result=DriftResult.UNREACHABLE,
            differences=(),
            error=f"{Reason.INTERNAL}: {words(incident or '')}",
        )
    result = DriftResult.DRIFT if found else DriftResult.CLEAN
    return CheckedDevice(device=device, result=result, differences=found)


def _kept(plan: SitePlan, kept: tuple[str, frozenset[Path]] | None) -> tuple[KeptPath, ...]:
    if kept is None:
        return ()
    task, paths = kept
    return tuple(
        KeptPath(path=path_text(edit.path), task=task) for edit in plan.edits if edit.path in paths
    )


def _parts_of(connection: Connection, device: str, sites: list[str]) -> list[_Part]:
    found = intents.of_sites(connection, device, sites)
    wanted = {site: merged(intent.fragments) for site, intent in found.items()}
    roots = {site: [item.root for item in each.shared] for site, each in wanted.items()}
    states = effects.site_states(connection, device, roots)
    return [_Part(site, found[site].role, wanted[site], states[site]) for site in sites]
