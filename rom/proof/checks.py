"""Operational checks: what devices tell of an item's service, judged by their profiles."""

from dataclasses import dataclass

from adapters.seam import Query
from device_profiles.checks import Check, CheckResult, checks
from rom.catalog.planning import configurations
from rom.catalog.roles import load_roles
from rom.catalog.site_view import SiteView
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.model.device import Device
from rom.model.order import Item
from rom.store.database import Engine


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found on one device."""

    device: str
    check: str
    result: CheckResult
    reason: str
    value: str | None


class Checker:
    """Asks devices; changes nothing."""

    def __init__(self, engine: Engine, devices: DeviceDirectory) -> None:
        self._engine = engine
        self._devices = devices

    def findings(self, view: SiteView, item: Item) -> list[Finding]:
        """Return what every check of the item has found; raises ``AdapterError``."""
        findings: list[Finding] = []
        for device, wanted in self._checks(view, item):
            with self._devices.open(device.name, view.site) as session:
                values = session.probe(
                    [Query(c.name, c.path, c.command, c.pattern) for c in wanted]
                )
            for check in wanted:
                value = values.get(check.name)
                result, reason = check.judge(value)
                findings.append(Finding(device.name, check.name, result, reason, value))
        return findings

    def _checks(self, view: SiteView, item: Item) -> list[tuple[Device, tuple[Check, ...]]]:
        found = []
        with self._engine.connect() as connection:
            for role, fragment in self._places(view, item):
                try:
                    device = self._devices.find(connection, role, view.allocations)
                except NoDevice:
                    continue  # a role that this site has no device for, so nothing to ask
                profile = self._devices.profile(device)
                wanted = checks(profile, fragment, view.context(device.as_context()))
                if wanted:
                    found.append((device, wanted))
        return found

    def _places(self, view: SiteView, item: Item) -> list[tuple[str, str]]:
        """Return the roles to ask: those the item configures, and who sees what came by ZTP."""
        roles = load_roles().by_name
        entries = configurations(view.specification(item), view.typed(item))
        places = [(entry.role, entry.fragment) for entry in entries]
        for entry in entries:
            witness = roles[entry.role].proven_at
            if entry.via == "ztp" and witness is not None:
                places.append((witness, entry.fragment))
        return list(dict.fromkeys(places))
