"""The way back: one site, one device after the other, in reverse order of activation.

A rollback, a cancellation and a recall go the same way. They differ in where it leads and in what
ends it: a rollback goes on without a device that cannot be reached, a cancellation waits for
people. Level-triggered: each step reads the truth and takes the next one that is possible.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from device_profiles.fragment import Fragment
from device_profiles.profile import load_profile
from inventory import queries
from rom.catalog.roles import load_roles
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.model.change import Change, ChangeKind, ChangeState, Policy
from rom.model.errors import UnknownSite
from rom.model.intent import Place
from rom.model.plan import ConflictKind
from rom.model.reason import Reason
from rom.store import change_list, changes, effects, intents, snapshots, tickets
from rom.store.database import Connection

GIVE_UP_AFTER = 4
"""Attempts at a device that cannot be reached before it counts as stuck."""
CONFLICTS = frozenset(kind.value.replace("-", "_").upper() for kind in ConflictKind)
"""Reasons of a refusal after the device was read: what it holds is known."""

Wanted = Callable[[str, Mapping[str, Fragment]], Mapping[str, Fragment]]
"""From a device and what the site wants there now to what it shall want."""


def _every(device: str) -> bool:  # noqa: ARG001 - one of the functions an errand may have
    return True


@dataclass(frozen=True, slots=True)
class Errand:
    """A way back at one site: where it leads, and what ends it."""

    task_id: str
    site: str
    wanted: Wanted
    policy: Policy = Policy.APPLY
    concerns: Callable[[str], bool] = _every
    """Which devices are asked; of the others only the intent is written."""
    waits: bool = True
    """For people, where a device does not let it in; otherwise it goes on without the device."""
    order_id: str | None = None
    """The order to which the way back belongs, if it is none of its own."""
    given_up: Collection[str] = ()
    """Devices that people have decided to go on without."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a way back is."""

    wake: str | None = None
    """A device that has something to write now."""
    stuck: Mapping[str, str] = field(default_factory=dict)
    """By device, why it does not let the change in."""
    is_over: bool = False
    """Every device was asked, and none of them is waited for."""
    stopped_at: Place | None = None
    """The device at which a policy has stopped it; those after it were not asked."""

    @property
    def is_clean(self) -> bool:
        """Whether all of it is done."""
        return self.is_over and not self.stuck


class WayBack:
    """Takes ways back further, within the caller's transaction."""

    def __init__(self, devices: DeviceDirectory) -> None:
        self._devices = devices

    def step(self, connection: Connection, errand: Errand) -> Progress:
        """Take the next step that is possible; safe to call again at any point."""
        asked = {
            change.device: change
            for change in change_list.of_task(connection, errand.task_id)
            if change.site == errand.site
        }
        stuck: dict[str, str] = {}
        for place in places(connection, errand.site):
            change = asked.get(place.device)
            if change is None:
                if self._ask(connection, errand, place):
                    return Progress(place.device)
            elif is_stuck(change):
                if place.device in errand.given_up:
                    continue
                stuck[place.device] = f"{change.reason}: {change.error}"
                if stops(errand.policy, change):
                    return Progress(stuck=stuck, is_over=True, stopped_at=place)
                if not errand.waits and not _settled(connection, change):
                    return Progress()
            elif change.state is not ChangeState.DONE:
                return Progress()
        return Progress(stuck=stuck, is_over=True)

    def _ask(self, connection: Connection, errand: Errand, place: Place) -> bool:
        """Lay down what the device shall hold; tells whether to send it."""
        wanted = intend(connection, errand, place)
        if not wanted and is_one_way(connection, self._devices, errand.site, place.device):
            # Without its ticket the router is refused, and another one may be staged for the site.
            effects.forget_site(connection, place.device, errand.site)
            tickets.tear_up_of(connection, place.device, errand.site)
            return False
        if not errand.concerns(place.device):
            return False
        changes.request(
            connection,
            device=place.device,
            site=errand.site,
            kind=ChangeKind.ROLLBACK,
            order_id=errand.order_id,
            task_id=errand.task_id,
            policy=errand.policy,
        )
        return True


def is_one_way(connection: Connection, devices: DeviceDirectory, site: str, device: str) -> bool:
    """Tell whether nothing is ever taken back from the device altogether."""
    try:
        name = devices.profile_name(connection, device, site)
    except NoDevice:
        return False
    return bool(load_profile(name).quirks.one_way)


def intend(connection: Connection, errand: Errand, place: Place) -> Mapping[str, Fragment]:
    """Write the intent that the errand leads to on a device, and return it."""
    wanted = errand.wanted(place.device, intents.fragments(connection, place.device, errand.site))
    intents.keep(
        connection,
        device=place.device,
        site=errand.site,
        role=place.role,
        fragments=wanted,
    )
    return wanted


def is_stuck(change: Change) -> bool:
    """Tell whether a change was refused, or has been tried in vain more than a few times."""
    late = change.state is ChangeState.WAITING and change.attempts >= GIVE_UP_AFTER
    return late or change.state is ChangeState.REFUSED


def stops(policy: Policy, change: Change) -> bool:
    """Tell whether a change was refused for what somebody else has done, and that ends it all."""
    refused = change.state is ChangeState.REFUSED
    return policy is Policy.REFUSE and refused and change.reason in CONFLICTS


def _settled(connection: Connection, change: Change) -> bool:
    """Refuse what has been tried often enough; ``False`` while a writer has it in hand."""
    return change.state is ChangeState.REFUSED or changes.give_up(
        connection, change, after=GIVE_UP_AFTER, reason=Reason.DEVICE_UNREACHABLE
    )


def places(connection: Connection, site: str) -> list[Place]:
    """Return the site's devices in the order in which a way back changes them.

    A device on which an earlier rollback has left something is one of them, also without an
    intent. Empty for a site that has nothing anywhere; raises ``UnknownSite`` for an unknown one.
    """
    roles = {place.device: place.role for place in snapshots.left_over(connection, site)}
    roles |= {place.device: place.role for place in intents.devices_of_site(connection, site)}
    if not roles and not queries.site_exists(connection, site):
        raise UnknownSite(site)
    found = [Place(device, role) for device, role in sorted(roles.items())]
    return sorted(found, key=lambda place: load_roles().position(place.role), reverse=True)
