"""The device writer: the one path by which anything is changed on a device.

Under the device's lease it takes the waiting sites along in one transaction: read once, plan each
site, write the ledger, send, read back, compare, confirm. A site the device refuses is left out
and the others go on.
"""

from typing import Any, Protocol
from uuid import uuid4

import structlog

from adapters.errors import AdapterError
from rom.ledger import lease, recovery
from rom.ledger.group import Group, WriterSettings
from rom.ledger.service_check import ServiceCheck
from rom.metrics.failures import noted, words
from rom.model.deed import GATEWAY, DeedKind
from rom.model.reason import Reason
from rom.model.snapshot import Sealer
from rom.store import change_list, changes, leases, transactions
from rom.store.database import Connection, DatabaseAway, Engine
from rom.trail import trail

log = structlog.get_logger(__name__)

LIVE_GROUP_SIZE = 16
"""Most sites whose running service one device transaction may touch."""


_FORESEEN = (AdapterError, leases.FencedOff, *DatabaseAway)


class _InternalFault(AdapterError):
    """We have failed on a device as a whole; it is tried again."""

    reason = Reason.INTERNAL
    retry = True

    def __init__(self, incident: str | None) -> None:
        super().__init__(words(incident or "unknown"))


class Sessions(Protocol):
    """Where the writer gets its conversations from."""

    def open(self, device: str, site: str) -> Any:
        """Return a context manager that yields an open ``Session``."""


class DeviceWriter:
    """Writes to devices; safe to run in any number of threads, processes and hosts."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        settings: WriterSettings,
        sealer: Sealer,
        service_check: ServiceCheck | None = None,
    ) -> None:
        self._engine = engine
        self._sealer = sealer
        self._service_check = service_check
        self._sessions = sessions
        self._settings = settings

    def run(self, device: str) -> set[str]:
        """Write all that waits for ``device``; returns the sites something was decided for.

        Does nothing while another writer holds the device. An unreachable device postpones its
        changes; nothing is raised for that.
        """
        holder = f"{self._settings.holder}/{uuid4().hex[:8]}"

        def taken_over(connection: Connection, before: str) -> None:
            trail.record(
                connection,
                GATEWAY,
                DeedKind.LEASE_TAKEN_OVER,
                devices=[device],
                details={"holder": holder, "formerHolder": before},
            )

        epoch = leases.acquire(
            self._engine, device, holder, self._settings.lease_seconds, taken_over
        )
        if epoch is None:
            return set()
        touched: set[str] = set()
        try:
            with lease.kept(self._engine, device, epoch, self._settings.lease_seconds):
                self._supervised(device, epoch, touched)
        except leases.FencedOff as error:
            log.warning("device.fenced", device=device, error=str(error))
        finally:
            leases.release(self._engine, device, epoch)
        return touched

    def _supervised(self, device: str, epoch: int, touched: set[str]) -> None:
        try:
            self._drain(device, epoch, touched)
        except AdapterError as error:
            self._put_off(device, epoch, error, touched)
        except (leases.FencedOff, *DatabaseAway):
            raise
        except Exception as error:  # noqa: BLE001 - the supervised boundary of one device
            fault = _InternalFault(noted("device", error, device=device))
            self._put_off(device, epoch, fault, touched)

    def _put_off(self, device: str, epoch: int, error: AdapterError, touched: set[str]) -> None:
        """Try again later what can get better by itself; hold the rest for people."""
        log.warning("device.not_written", device=device, reason=error.reason, error=str(error))
        with leases.under(self._engine, device, epoch) as connection:
            touched.update(change_list.sites_waiting(connection, device))
            if error.retry:
                changes.postpone(
                    connection,
                    device,
                    seconds=self._settings.retry_seconds,
                    reason=error.reason,
                    error=error.message,
                )
            else:
                changes.refuse_all(connection, device, reason=error.reason, error=error.message)

    def _drain(self, device: str, epoch: int, touched: set[str]) -> None:
        """Write all that waits, several sites at once; where we fail on that, each by itself."""
        try:
            self._write(device, epoch, touched, self._settings.group_size)
        except _FORESEEN:
            raise
        except Exception as error:  # noqa: BLE001 - supervised: one site must not stop the others
            noted("device", error, device=device)
            while not self._write_alone(device, epoch, touched):
                continue

    def _write_alone(self, device: str, epoch: int, touched: set[str]) -> bool:
        """Write site by site until nothing waits or one fails, which is refused.

        Tells whether all is written. What fails on no site in particular is raised.
        """
        try:
            self._write(device, epoch, touched, 1)
        except _FORESEEN:
            raise
        except Exception as error:
            with leases.under(self._engine, device, epoch) as connection:
                in_hand = change_list.claimed(connection, device)
                if not in_hand:
                    raise
                site = in_hand[0].site
                incident = noted("device", error, device=device, site=site)
                changes.refuse(
                    connection,
                    in_hand,
                    transaction=None,
                    reason=Reason.INTERNAL,
                    error=words(incident or ""),
                )
            touched.add(site)
            return False
        return True

    def _write(self, device: str, epoch: int, touched: set[str], together: int) -> None:
        with leases.under(self._engine, device, epoch) as connection:
            unresolved = transactions.open_of_device(connection, device)
            if not unresolved:
                changes.reclaim(connection, device)
            sites = change_list.sites_waiting(connection, device)
        if not sites and not unresolved:
            return
        anyone = sites[0] if sites else unresolved[0].site
        with self._sessions.open(device, anyone) as session:
            for row in unresolved:
                touched.update(
                    recovery.resolve(
                        self._engine,
                        self._sealer,
                        self._service_check,
                        session,
                        device,
                        epoch,
                        row.id,
                    )
                )
            if unresolved:
                with leases.under(self._engine, device, epoch) as connection:
                    changes.reclaim(connection, device)
            while True:
                with leases.under(self._engine, device, epoch) as connection:
                    claimed = changes.claim(
                        connection,
                        device,
                        f"claim-{epoch}",
                        sites=together,
                        live_sites=min(together, LIVE_GROUP_SIZE),
                    )
                if not claimed:
                    return
                group = Group(
                    self._engine,
                    self._settings,
                    self._sealer,
                    self._service_check,
                    session,
                    device,
                    epoch,
                )
                group.write(claimed)
                touched.update(claimed)
