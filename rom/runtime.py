"""Puts the gateway together: database, inventory, vault, fleet, handlers, workers."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import structlog

from adapters.fleet import Fleet
from device_profiles.profile import load_profile
from inventory.lab_import import import_lab
from inventory.load import parsed_file
from rom.catalog.administration import CatalogAdministration
from rom.catalog.live import LiveCatalog
from rom.catalog.loader import load_catalog
from rom.devices.directory import DeviceDirectory
from rom.drift.audit import Audit
from rom.drift.periodic import PeriodicAudit
from rom.events.service import Events
from rom.fulfilment.bootstrap import ZtpDesk
from rom.fulfilment.fulfiller import Fulfiller
from rom.fulfilment.site import SiteHandler
from rom.fulfilment.transitions import Transitions
from rom.fulfilment.verifying import ProofSettings, Prover
from rom.gateway import Gateway, OrderDesk
from rom.jobs import wakes as jobs
from rom.jobs.handlers import EngineHandlers
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.orders.cancel.cancellation import Cancellations
from rom.orders.cancel.runner import CancelRunner
from rom.orders.documents import API_PATH, OrderDocuments
from rom.orders.fallout import Fallout
from rom.orders.intake import Intake
from rom.orders.patch.amendment import Amendments
from rom.orders.patch.replanning import Replanner
from rom.proof.service_check import WorkingServices
from rom.queries import Queries
from rom.settings import Settings
from rom.stock import Stock
from rom.store.database import Engine, make_engine, migrate, plain_url
from rom.store.embedded import EmbeddedPostgres
from rom.undo.compare import Comparison
from rom.undo.compensation import Compensation
from rom.undo.give_back import GiveBack
from rom.undo.preview import RollbackPreview
from rom.undo.rollback import RollbackRunner
from rom.vault.master_key import master_key
from rom.vault.vault import Vault

log = structlog.get_logger(__name__)


@contextmanager
def open_database(settings: Settings) -> Iterator[tuple[Engine, str]]:
    """Yield an engine on a schema of this release, and the database's URL.

    Without ``database_url`` the embedded PostgreSQL runs while the block does.
    """
    with ExitStack() as stack:
        if settings.database_url is not None:
            url = settings.database_url.get_secret_value()
        else:
            url = stack.enter_context(EmbeddedPostgres(settings.data_dir)).url
        engine = make_engine(url, pool_size=settings.workers + 8)
        stack.callback(engine.dispose)
        migrate(engine)
        jobs.install(engine, plain_url(url))
        yield engine, url


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

    Raises ``InventoryFileError`` for an inventory file that cannot be loaded and ``CatalogError``
    for a catalog file that cannot be used.
    """
    with ExitStack() as stack:
        base = _foundation(settings, stack)
        events = Events(base.engine, base.vault, settings, settings.base_url)
        load_files(base.engine, base.vault, settings)
        base.catalog.check_kinds()
        desk = ZtpDesk(
            base.engine, base.transitions, base.vault, settings.base_url, base.wakes.site
        )
        give_back = GiveBack(base.catalog)
        audit = Audit(base.engine, base.fleet, base.devices)
        compensation = Compensation(base.devices, base.vault, base.catalog)
        handlers = EngineHandlers(
            base.engine,
            _fulfiller(base, desk),
            _writer(base),
            RollbackRunner(base.engine, base.devices, base.vault, give_back),
            CancelRunner(base.engine, base.catalog, base.transitions, compensation, base.tmf652),
            base.wakes,
            PeriodicAudit(base.engine, audit, settings.audit_seconds),
        )
        gateway = Gateway(
            base.engine,
            base.documents,
            base.wakes,
            jobs.Worker(plain_url(base.url), handlers, settings.workers),
            desk,
            RollbackPreview(base.engine, base.fleet, base.devices, base.vault, give_back),
            Comparison(base.engine, base.fleet, base.devices, base.vault),
            give_back,
            audit,
            base.vault,
            _order_desk(base, compensation),
            Queries(base.engine, base.documents, settings.base_url),
            events,
            CatalogAdministration(base.engine, base.catalog, settings.base_url),
            Stock(base.engine),
        )
        stack.callback(gateway.stop)
        yield gateway


def _foundation(settings: Settings, stack: ExitStack) -> _Foundation:
    engine, url = stack.enter_context(open_database(settings))
    vault = Vault(engine, master_key(settings.data_dir, settings.master_key), settings.base_url)
    fleet = Fleet(load_profile, vault.resolve)
    stack.callback(fleet.close)
    wakes = jobs.Wakes(plain_url(url))
    stack.callback(wakes.close)
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


def _fulfiller(base: _Foundation, desk: ZtpDesk) -> Fulfiller:
    settings = base.settings
    proof = ProofSettings(settings.retry_seconds, settings.twamp_packets, settings.twamp_interval)
    return Fulfiller(
        base.engine,
        base.catalog,
        SiteHandler(base.transitions, base.devices, settings.retry_seconds),
        Prover(base.engine, base.transitions, base.devices, proof),
        desk.boot_url,
    )


def _order_desk(base: _Foundation, compensation: Compensation) -> OrderDesk:
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
    intake = Intake(base.engine, base.catalog, base.documents, base.transitions, wake_site)
    return OrderDesk(intake, amendments, cancellations, fallout)


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


def load_files(engine: Engine, vault: Vault, settings: Settings) -> None:
    """Load the inventory file and the lab's endpoints, as far as the settings name them."""
    if settings.inventory_file is not None:
        Stock(engine).load(parsed_file(settings.inventory_file), str(settings.inventory_file))
    if settings.lab_ready_file is not None:
        with engine.begin() as connection:
            report = import_lab(connection, settings.lab_ready_file, vault.remember)
        log.info("lab.imported", devices=len(report.devices), cpe=len(report.cpe))
