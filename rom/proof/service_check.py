"""The service service_check: a confirmed commit is made permanent only if services keep working.

Before the commit it asks how the changed sites' and some neighbours' services are; after it,
within the window, what worked must work again, or the device goes back by itself. What did not
work before is not held against the change.
"""

import time
from collections.abc import Iterable, Mapping, Sequence

from adapters.errors import AdapterError
from adapters.seam import Query, Session
from adapters.twamp.sender import measure
from device_profiles.fragment import Fragment, merged
from device_profiles.profile import Profile, load_profile
from device_profiles.steps import schema_path
from inventory import queries
from rom.devices.directory import DeviceDirectory, NoDevice, twamp_address
from rom.store import intents
from rom.store.database import Engine

NEIGHBOURS = 8
"""Neighbours looked at in each transaction; all of hundreds would take longer than the window."""
SETTLE_SECONDS = 10.0
"""How long services may take to come back after the commit."""
_BURST_PACKETS = 200
_BURST_INTERVAL = 0.002
_BURST_LOST = 2


class WorkingServices:
    """Fulfils the writer's service check from intents and profiles."""

    def __init__(self, engine: Engine, devices: DeviceDirectory) -> None:
        self._engine = engine
        self._devices = devices

    def before(
        self, session: Session, device: str, sites: Iterable[str]
    ) -> dict[str, dict[str, list[str]]]:
        """Return what works now of the sites' and some neighbours' services.

        By name: where the device tells of it, and the values that say that it works.
        """
        with self._engine.connect() as connection:
            changed = list(sites)
            neighbours = intents.neighbours(connection, device, changed, NEIGHBOURS)
            found = intents.of_sites(connection, device, [*changed, *neighbours])
            try:
                name = self._devices.profile_name(connection, device, changed[0])
            except NoDevice:
                return {}
        profile = load_profile(name)
        asked: dict[str, tuple[Query, tuple[str, ...]]] = {}
        for site, intent in found.items():
            for query, works in health_queries(profile, site, merged(intent.fragments)):
                asked[query.name] = (query, works)
        if not asked:
            return {}
        shown = session.probe([query for query, _ in asked.values()])
        return {
            name: {"path": list(query.path), "works": list(works)}
            for name, (query, works) in asked.items()
            if shown.get(name) in works
        }

    def broken(
        self, session: Session, worked: Mapping[str, Mapping[str, Sequence[str]]] | None
    ) -> list[str]:
        """Return what worked before and does not come back in time, in words."""
        if not worked:
            return []
        asked = [Query(name, tuple(found["path"])) for name, found in worked.items()]
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            shown = session.probe(asked)
            bad = [
                f"{name} is {shown.get(name)}"
                for name, found in worked.items()
                if shown.get(name) not in found["works"]
            ]
            if not bad or time.monotonic() > deadline:
                return bad
            time.sleep(0.25)

    def burst(self, site: str) -> list[str]:
        """Return what a short TWAMP burst towards a site in service finds wrong."""
        with self._engine.connect() as connection:
            allocations = queries.site_allocations(connection, site)
            if "probe" not in allocations or "ce" not in allocations:
                return []
            target = twamp_address(connection, allocations)
        try:
            found = measure(target, packets=_BURST_PACKETS, interval=_BURST_INTERVAL)
        except AdapterError as error:
            return [f"{site}: {error}"]
        if found.lost > _BURST_LOST:
            return [f"{site}: {found.lost} of {found.sent} TWAMP packets lost"]
        return []


def health_queries(
    profile: Profile, site: str, wanted: Fragment
) -> list[tuple[Query, tuple[str, ...]]]:
    """Return what to ask about a site's services on a device, and which answers say they work."""
    return [
        (Query(f"{site}: {path[-1]}", health.query_path(path)), health.works)
        for health in profile.health
        for path in sorted(wanted.own)
        if schema_path(path) == health.entry
    ]
