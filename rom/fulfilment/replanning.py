"""Services planned anew because inventory has changed under them, by the one reconcile path.

Whoever asks for a change of what sites have in service gets it on the devices too: in the
transaction that changes inventory all that a site has is rendered again, and every device whose
part is another is asked for it. What a site has no order under way for is all that takes part.
"""

from collections.abc import Callable, Collection

from device_profiles.errors import ProfileError
from device_profiles.fragment import Fragment
from device_profiles.profile import load_profile
from inventory.reservation import lock_sites
from rom.catalog.errors import CatalogError
from rom.catalog.loader import Catalog
from rom.catalog.site_view import SiteView, load_view
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.fulfilment.changing import rendering
from rom.model.change import ChangeKind
from rom.model.errors import NotPossible
from rom.model.snapshot import Sealer
from rom.store import changes, intents, snapshots
from rom.store.database import Connection
from rom.vault.site_secrets import refuse_unless_at_rest

Platforms = dict[tuple[str, str], str]
"""The profile of each device of each site, by site and device."""


class Replanning:
    """Brings what inventory says by now into the services of sites."""

    def __init__(
        self,
        devices: DeviceDirectory,
        catalog: Catalog,
        sealer: Sealer,
        boot_url: Callable[[str], str],
    ) -> None:
        self._devices = devices
        self._catalog = catalog
        self._sealer = sealer
        self._boot_url = boot_url

    def platforms(self, connection: Connection, sites: Collection[str]) -> Platforms:
        """Return what the sites' devices are, before inventory says something else.

        Raises ``NotPossible`` for one of which inventory does not say it.
        """
        return {
            (site, place.device): self._platform(connection, site, place.device)
            for site in sites
            for place in intents.devices_of_site(connection, site)
        }

    def _platform(self, connection: Connection, site: str, device: str) -> str:
        try:
            return self._devices.profile_name(connection, device, site)
        except NoDevice as error:
            raise _cannot(str(error), "Correct the inventory first") from error

    def plan(
        self, connection: Connection, sites: Collection[str], before: Platforms
    ) -> dict[str, tuple[str, ...]]:
        """Ask the devices of the sites for what inventory makes of their services by now.

        Returns by site the devices that get something else. Raises ``OrderUnderWay``,
        ``RollbackOpen``, and ``NotPossible`` for what cannot be rendered, for a secret that is
        being replaced, and for a device that has another data model from now on.
        """
        lock_sites(connection, sorted(sites))
        return {site: self._plan_site(connection, site, before) for site in sorted(sites)}

    def _plan_site(self, connection: Connection, site: str, before: Platforms) -> tuple[str, ...]:
        refuse_unless_at_rest(connection, site)
        self._refuse_another_model(connection, site, before)
        view = load_view(connection, self._catalog, site, self._boot_url(site))
        try:
            wanted = rendering(connection, self._devices, view, view.completed)
        except (ProfileError, CatalogError, NoDevice) as error:
            text = f"the services of {site} cannot be planned with it: {error}"
            raise _cannot(text, "Correct the file, or delete these services first") from error
        roles = {place.device: place.role for place in intents.devices_of_site(connection, site)}
        roles |= {name: device.role for name, (device, _) in wanted.items()}
        touched = []
        for name, role in roles.items():
            known = intents.fragments(connection, name, site)
            rendered = wanted[name][1] if name in wanted else {}
            fragments = self._laid_over(view, known, rendered)
            if fragments != known:
                self._ask(connection, site, name, role, fragments)
                touched.append(name)
        return tuple(sorted(touched))

    @staticmethod
    def _laid_over(
        view: SiteView, known: dict[str, Fragment], rendered: dict[str, Fragment]
    ) -> dict[str, Fragment]:
        """Return a device's fragments: what the site's items ask for now, and what they do not."""
        ours = {item.key for item in view.completed}
        found = {key: each for key, each in known.items() if key not in ours} | rendered
        return {key: found[key] for key in sorted(found, key=view.catalog.sequence)}

    def _ask(
        self,
        connection: Connection,
        site: str,
        device: str,
        role: str,
        fragments: dict[str, Fragment],
    ) -> None:
        snapshots.keep_plan(
            connection, self._sealer, site=site, device=device, role=role, fragments=fragments
        )
        intents.keep(connection, device=device, site=site, role=role, fragments=fragments)
        changes.request(connection, device=device, site=site, kind=ChangeKind.MODIFY)

    def _refuse_another_model(self, connection: Connection, site: str, before: Platforms) -> None:
        """Refuse a platform that cannot read the ledger: paths are those of the former one."""
        for (owner, device), former in before.items():
            if owner != site:
                continue
            now = self._platform(connection, site, device)
            if not load_profile(now).has_model_of(load_profile(former)):
                raise _cannot(
                    f"{device} would be of another platform, {now} after {former}, "
                    f"and what {site} has there could not be taken away",
                    "Enter the new device under a name of its own, and order the site there",
                )


def _cannot(text: str, mend: str) -> NotPossible:
    return NotPossible("cannotReplan", text, mend)
