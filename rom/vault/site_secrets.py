"""Site secrets replaced one by one, through the path by which everything reaches a device.

A new value is made and put in force, the site's intents mean it from then on, and the writers bring
it out. The former value is kept until no device holds it any more, and dropped then. All of that
is in the database: a gateway that dies anywhere in between leaves it to the next one.
"""

import secrets as random
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from device_profiles.tree import SECRET_PREFIX
from inventory import queries
from inventory.reservation import lock_sites
from rom.model.change import ChangeKind, Policy
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import Invalid, NotPossible, OrderUnderWay, RollbackOpen, UnknownSite
from rom.store import change_list, changes, intents, rollbacks, secrets, site_items, site_secrets
from rom.store.database import Connection, Engine
from rom.store.site_secrets import FIRST, SiteSecret
from rom.trail import trail
from rom.vault.vault import DERIVED, Vault

log = structlog.get_logger(__name__)

_OF_SITES = tuple(kind for kind in DERIVED if kind not in ("tacacs", "ztp"))
_BYTES = 18


@dataclass(frozen=True, slots=True)
class Rotation:
    """A secret of a site that gets another value."""

    site: str
    name: str
    devices: tuple[str, ...]
    """Those that hold it."""
    changes: tuple[int, ...] = ()
    """What the writers were asked for."""


class SiteSecrets:
    """Replaces the secrets of sites. Thread-safe; blocks on the database only."""

    def __init__(self, engine: Engine, vault: Vault, wake_device: Callable[[str], None]) -> None:
        self._engine = engine
        self._vault = vault
        self._wake = wake_device

    def rotate(
        self, site: str, kind: str, *, by: Actor, reason: str = "", ticket: str = ""
    ) -> Rotation:
        """Put a new value of a site's secret in force, and ask its devices to take it.

        Raises ``UnknownSite``, ``Invalid`` for what is no secret of sites, ``OrderUnderWay``,
        ``RollbackOpen``, and ``NotPossible`` for one that no device has by a configuration the
        gateway writes, or that is being replaced already.
        """
        if kind not in _OF_SITES:
            mend = f"Name one of {', '.join(_OF_SITES)}"
            raise Invalid(f"{kind!r} is no secret of a site", field="name", mend=mend)
        with self._engine.begin() as connection:
            if not queries.site_exists(connection, site):
                raise UnknownSite(site)
            lock_sites(connection, [site])
            refuse_unless_at_rest(connection, site)
            name = f"{kind}/{site}"
            devices = self._holding(connection, site, name)
            new = site_secrets.replace_value(connection, name, site)
            sealed = self._vault.seal(random.token_hex(_BYTES).encode())
            secrets.keep(connection, new.reference, sealed, by.name)
            numbers = tuple(
                changes.request(
                    connection,
                    device=device,
                    site=site,
                    kind=ChangeKind.RECONCILE,
                    policy=Policy.RESTORE,
                )
                for device in devices
            )
            trail.record(
                connection,
                by,
                DeedKind.SECRET_ROTATED,
                sites=[site],
                devices=devices,
                subject=name,
                ticket=ticket,
                reason=reason,
                details={"generation": new.generation},
            )
        for device in devices:
            self._wake(device)
        return Rotation(site, name, devices, numbers)

    def settle(self, site: str) -> list[str]:
        """Drop the former values that none of the site's devices holds any more; return names."""
        with self._engine.connect() as connection:
            if not site_secrets.being_replaced(connection, site):
                return []
        with self._engine.begin() as connection:
            dropped = [
                known.name
                for known in site_secrets.being_replaced(connection, site)
                if self._is_everywhere(connection, known)
            ]
            for name in dropped:
                self._drop(connection, name)
        return dropped

    def under_way(self) -> set[str]:
        """Return the sites with a secret that is being replaced."""
        with self._engine.connect() as connection:
            return {known.site for known in site_secrets.being_replaced(connection)}

    @staticmethod
    def _holding(connection: Connection, site: str, name: str) -> tuple[str, ...]:
        found = []
        for place in intents.devices_of_site(connection, site):
            own = intents.wanted(connection, place.device, site).own.values()
            references = {
                site_secrets.base_of(value.removeprefix(SECRET_PREFIX))
                for value in own
                if value.startswith(SECRET_PREFIX)
            }
            if name in references:
                found.append(place.device)
        if not found:
            raise NotPossible(
                "notWritten",
                f"no device of {site} has {name} in a configuration that the gateway writes",
                "What a router is only told at its first boot changes with its replacement",
            )
        return tuple(sorted(found))

    @staticmethod
    def _is_everywhere(connection: Connection, known: SiteSecret) -> bool:
        """Tell whether every device that holds the secret holds the value in force."""
        unsettled = {
            device for device, site in change_list.unsettled(connection) if site == known.site
        }
        for device, names in site_secrets.held(connection, known.site).items():
            mine = {name for name in names if site_secrets.base_of(name) == known.name}
            if mine - {known.reference} or (mine and device in unsettled):
                return False
        return True

    def _drop(self, connection: Connection, name: str) -> None:
        known = site_secrets.find(connection, name, lock=True)
        if known is None or known.former is None:
            return
        if known.former != FIRST:
            secrets.remove(connection, site_secrets.of_generation(name, known.former))
        site_secrets.drop_former(connection, name)
        trail.record(
            connection,
            GATEWAY,
            DeedKind.SECRET_DROPPED,
            sites=[known.site],
            subject=name,
            details={"generation": known.former},
        )
        log.info("secret.former_dropped", site=known.site, secret=name)


def refuse_unless_at_rest(connection: Connection, site: str) -> None:
    """Refuse what needs a site at rest: no order, rollback or new secret of it under way.

    Raises ``OrderUnderWay``, ``RollbackOpen`` or ``NotPossible``.
    """
    orders = site_items.orders_under_way(connection, site)
    if orders:
        raise OrderUnderWay(f"order {orders[0]} is still under way at site {site}")
    if site in rollbacks.sites_under_way(connection):
        raise RollbackOpen(f"site {site} has a rollback under way")
    pending = site_secrets.being_replaced(connection, site)
    if pending:
        raise NotPossible(
            "rotationUnderWay",
            f"{pending[0].name} is being replaced, and not all devices have taken it",
            "It goes on by itself; where a device refuses it, repair the site",
        )
