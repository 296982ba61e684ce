"""Puts the gateway together: database, inventory, vault, fleet, handlers, workers."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import structlog

from adapters.fleet import Fleet
from device_profiles.folders import choose_own_folder
from device_profiles.profile import check_profiles, load_profile
from inventory.lab_import import import_lab
from rom.catalog.administration import CatalogAdministration
from rom.catalog.live import LiveCatalog
from rom.catalog.loader import load_catalog
from rom.devices.directory import DeviceDirectory
from rom.drift.audit import Audit
from rom.drift.periodic import PeriodicAudit
from rom.events.service import Events as EventService
from rom.fulfilment.bootstrap import Bootstrap
from rom.fulfilment.fulfiller import Fulfiller
from rom.fulfilment.incidents import Incidents
from rom.fulfilment.replanning import Replanning
from rom.fulfilment.site import SiteHandler
from rom.fulfilment.transitions import Transitions
from rom.fulfilment.verifying import ProofSettings, Prover
from rom.gateway.access import Access
from rom.gateway.catalog import Catalog
from rom.gateway.devices import Devices
from rom.gateway.doctor import Doctor
from rom.gateway.events import Events
from rom.gateway.gateway import Gateway
from rom.gateway.inventory import Inventory
from rom.gateway.keys import Keys
from rom.gateway.operation import Operation
from rom.gateway.orders import Orders
from rom.gateway.seam import configuring
from rom.gateway.secrets import Secrets
from rom.gateway.sites import Sites
from rom.gateway.trail import Trail
from rom.housekeeping.housekeeping import Housekeeping
from rom.jobs import wakes as jobs
from rom.jobs.handlers import EngineHandlers
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.model.deed import GATEWAY, DeedKind
from rom.model.errors import DatabaseUnavailable
from rom.orders.cancel.cancellation import Cancellations
from rom.orders.cancel.runner import CancelRunner
from rom.orders.documents import API_PATH, OrderDocuments
from rom.orders.fallout import Fallout
from rom.orders.intake import Intake
from rom.orders.patch.amendment import Amendments
from rom.orders.patch.replanning import Replanner
from rom.proof.service_check import WorkingServices
from rom.settings import Settings
from rom.store import sealing
from rom.store.database import (
    DatabaseAway,
    DatabaseError,
    Engine,
    in_words,
    make_engine,
    migrate,
    plain_url,
)
from rom.store.embedded import EmbeddedPostgres
from rom.trail import trail
from rom.undo.compare import Comparison
from rom.undo.compensation import Compensation
from rom.undo.give_back import GiveBack
from rom.undo.preview import RollbackPreview
from rom.undo.rollback import RollbackRunner
from rom.vault.credentials import Credentials
from rom.vault.master_key import unlock
from rom.vault.site_secrets import SiteSecrets
from rom.vault.vault import Vault

log = structlog.get_logger(__name__)

_DOCTOR_SECONDS = 5


@contextmanager
def open_database(settings: Settings) -> Iterator[tuple[Engine, str]]:
    """Yield an engine on a schema of this release, and the database's URL.

    Without ``database_url`` the embedded PostgreSQL runs while the block does. Raises
    ``DatabaseUnavailable``.
    """
    with ExitStack() as stack:
        if settings.database_url is not None:
            url = settings.database_url.get_secret_value()
        else:
            url = stack.enter_context(EmbeddedPostgres(settings.data_dir)).url
        engine = make_engine(url, pool_size=settings.workers + 8)
        stack.callback(engine.dispose)
        try:
            migrate(engine)
            jobs.install(engine, plain_url(url))
        except DatabaseAway as error:
            message = f"the database of ROM_DATABASE_URL does not answer: {in_words(error)}"
            raise DatabaseUnavailable(message) from error
        except DatabaseError as error:
            message = f"the database of ROM_DATABASE_URL cannot be used: {in_words(error)}"
            raise DatabaseUnavailable(message) from error
        yield engine, url


@contextmanager
def _administered(settings: Settings, *, running: bool) -> Iterator[Engine]:
    """Yield an engine; ``running`` says that a server has the embedded database in use."""
    with ExitStack() as stack:
        if running and settings.database_url is None:
            engine = make_engine(EmbeddedPostgres(settings.data_dir).url, pool_size=1)
            stack.callback(engine.dispose)
        else:
            engine, _ = stack.enter_context(open_database(settings))
        try:
            yield engine
        except DatabaseAway as error:
            message = f"the database does not answer: {in_words(error)}"
            raise DatabaseUnavailable(message) from error


@contextmanager
def open_access(settings: Settings, *, running: bool) -> Iterator[Access]:
    """Yield the tokens in the database; ``running`` says that a server has the embedded one in use.

    Raises ``DatabaseUnavailable``.
    """
    with _administered(settings, running=running) as engine:
        yield Access(engine)


@contextmanager
def open_keys(settings: Settings, *, running: bool) -> Iterator[Keys]:
    """Yield the master key; ``running`` says that a server has the embedded database in use.

    Raises ``Misconfigured`` for a key that is not the database's, ``DatabaseUnavailable``.
    """
    with _administered(settings, running=running) as engine:
        with configuring("ROM_MASTER_KEY"):
            key = unlock(engine, settings.data_dir, settings.master_key)
        yield Keys(engine, key, settings.data_dir, is_own=settings.master_key is None)


@contextmanager
def open_doctor(settings: Settings, *, running: bool) -> Iterator[Doctor]:
    """Yield who examines this installation; ``running`` says that a server has the database in use.

    Nothing is made and nothing brought up to date; an embedded database runs while the block does.
    """
    with ExitStack() as stack:
        if settings.database_url is not None:
            url = settings.database_url.get_secret_value()
        else:
            embedded = EmbeddedPostgres(settings.data_dir)
            if not embedded.exists:
                why = f"there is none in {settings.data_dir} yet; the first start makes it"
                yield Doctor(settings, None, why)
                return
            url = embedded.url if running else stack.enter_context(embedded).url
        engine = make_engine(url, pool_size=1, connect_seconds=_DOCTOR_SECONDS)
        stack.callback(engine.dispose)
        yield Doctor(settings, engine)


@dataclass(frozen=True)
class _Foundation:
    """What every other part of a gateway is made of."""

    settings: Settings
    engine: Engine
    url: str
    vault: Vault
    fleet: Fleet
    wakes: jobs.Wakes
    catalog: LiveCatalog
    documents: OrderDocuments
    transitions: Transitions
    devices: DeviceDirectory

    @property
    def tmf652(self) -> str:
        return f"{self.settings.base_url}{API_PATH}"


@contextmanager
def open_gateway(settings: Settings) -> Iterator[Gateway]:
    """Yield a gateway that is ready to start; everything is closed in reverse on the way out.

    Raises ``Misconfigured`` for a setting or a file it names, ``InventoryRefused`` for the file
    with the inventory, and ``DatabaseUnavailable``.
    """
    with ExitStack() as stack:
        base = _foundation(settings, stack)
        events = EventService(base.engine, base.vault, settings, settings.base_url)
        bootstrap = Bootstrap(
            base.engine, base.transitions, base.vault, settings.base_url, base.wakes.site
        )
        replanning = Replanning(base.devices, base.catalog, base.vault, bootstrap.boot_url)
        inventory = Inventory(base.engine, settings.base_url, replanning, base.wakes.device)
        load_files(inventory, base.engine, base.vault, settings)
        with configuring("ROM_CATALOG_DIR"):
            base.catalog.check_kinds()
        give_back = GiveBack(base.catalog)
        audit = Audit(base.engine, base.fleet, base.devices)
        compensation = Compensation(base.devices, base.vault, base.catalog)
        incidents = Incidents(base.engine, base.transitions, settings.retry_seconds)
        handlers = EngineHandlers(
            base.engine,
            _fulfiller(base, bootstrap, compensation, incidents),
            _writer(base),
            RollbackRunner(base.engine, base.devices, base.vault, give_back),
            CancelRunner(base.engine, base.catalog, base.transitions, compensation, base.tmf652),
            base.wakes,
            PeriodicAudit(base.engine, audit, settings.audit_seconds),
            Housekeeping(base.engine, settings.history_days, settings.history_orders),
            incidents,
            _site_secrets(base),
        )
        worker = jobs.Worker(plain_url(base.url), handlers, settings.workers)
        gateway = Gateway(
            orders=_orders(base, compensation),
            sites=_sites(base, give_back, audit),
            devices=Devices(base.engine, audit, base.fleet, base.devices),
            inventory=inventory,
            catalog=Catalog(CatalogAdministration(base.engine, base.catalog, settings.base_url)),
            events=Events(events),
            access=Access(base.engine),
            bootstrap=bootstrap,
            operation=Operation(base.engine, worker, events),
            trail=Trail(base.engine),
            secrets=Secrets(
                base.engine, Credentials(base.engine, base.vault), base.fleet, base.devices
            ),
        )
        stack.callback(gateway.stop)
        yield gateway


def _foundation(settings: Settings, stack: ExitStack) -> _Foundation:
    engine, url = stack.enter_context(open_database(settings))
    with configuring("ROM_PROFILES_DIR"):
        choose_own_folder(settings.profiles_dir)
        stack.callback(choose_own_folder, None)
        check_profiles()
    with configuring("ROM_MASTER_KEY"):
        key = unlock(engine, settings.data_dir, settings.master_key)
    sealing.hold(engine, key.generation)
    vault = Vault(engine, key.value, settings.base_url, key.root)
    fleet = Fleet(load_profile, vault.resolve)
    stack.callback(fleet.close)
    wakes = jobs.Wakes(plain_url(url))
    stack.callback(wakes.close)
    with configuring("ROM_CATALOG_DIR"):
        catalog = LiveCatalog(engine, load_catalog(settings.catalog_dir))
    documents = OrderDocuments(catalog, settings.base_url)
    return _Foundation(
        settings,
        engine,
        url,
        vault,
        fleet,
        wakes,
        catalog,
        documents,
        Transitions(documents),
        DeviceDirectory(engine, fleet, vault),
    )


def _fulfiller(
    base: _Foundation, bootstrap: Bootstrap, compensation: Compensation, incidents: Incidents
) -> Fulfiller:
    settings = base.settings
    proof = ProofSettings(settings.retry_seconds, settings.twamp_packets, settings.twamp_interval)
    return Fulfiller(
        base.engine,
        base.catalog,
        SiteHandler(base.transitions, base.devices, compensation, settings.retry_seconds),
        Prover(base.engine, base.transitions, base.devices, proof),
        bootstrap.boot_url,
        incidents,
    )


def _orders(base: _Foundation, compensation: Compensation) -> Orders:
    wake_site, wake_device = base.wakes.site, base.wakes.device
    cancellations = Cancellations(base.engine, base.transitions, base.tmf652, wake_site)
    fallout = Fallout(
        base.engine,
        base.catalog,
        base.documents,
        base.transitions,
        cancellations,
        wake_site,
        wake_device,
    )
    amendments = Amendments(
        base.engine,
        base.documents,
        base.transitions,
        Replanner(base.catalog, base.transitions, compensation),
        cancellations,
        fallout,
        wake_site,
        wake_device,
    )
    return Orders(
        base.engine,
        base.documents,
        Intake(base.engine, base.catalog, base.documents, base.transitions, wake_site),
        amendments,
        cancellations,
        fallout,
        base.settings.base_url,
    )


def _site_secrets(base: _Foundation) -> SiteSecrets:
    return SiteSecrets(base.engine, base.vault, base.wakes.device)


def _sites(base: _Foundation, give_back: GiveBack, audit: Audit) -> Sites:
    return Sites(
        base.engine,
        base.wakes,
        base.vault,
        RollbackPreview(base.engine, base.fleet, base.devices, base.vault, give_back),
        Comparison(base.engine, base.fleet, base.devices, base.vault),
        give_back,
        audit,
        _site_secrets(base),
    )


def _writer(base: _Foundation) -> DeviceWriter:
    service_check = WorkingServices(base.engine, base.devices)
    settings = _writer_settings(base.settings)
    return DeviceWriter(base.engine, base.devices, settings, base.vault, service_check)


def _writer_settings(settings: Settings) -> WriterSettings:
    return WriterSettings(
        holder=f"{socket.gethostname()}/{os.getpid()}",
        lease_seconds=settings.lease_seconds,
        confirm_seconds=settings.confirm_seconds,
        group_size=settings.group_size,
        retry_seconds=settings.retry_seconds,
    )


def load_files(inventory: Inventory, engine: Engine, vault: Vault, settings: Settings) -> None:
    """Load the inventory file and the lab's endpoints, as far as the settings name them."""
    if settings.inventory_file is not None:
        inventory.load_at_start(settings.inventory_file)
    if settings.lab_ready_file is not None:
        with configuring("ROM_LAB_READY_FILE"), engine.begin() as connection:
            report = import_lab(connection, settings.lab_ready_file, vault.remember)
            trail.record(
                connection,
                GATEWAY,
                DeedKind.ENDPOINTS_IMPORTED,
                devices=report.devices,
                subject=str(settings.lab_ready_file),
                details={"routers": list(report.cpe)},
            )
        log.info("lab.imported", devices=len(report.devices), cpe=len(report.cpe))
