"""Puts the gateway together: database, inventory, vault, fleet, handlers, workers."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
import structlog

from adapters.fleet import Fleet
from device_profiles.profile import load_profile
from inventory.lab_import import import_lab
from inventory.load import load_file
from rom.audit.audit import Audit
from rom.audit.periodic import PeriodicAudit
from rom.catalog.administration import CatalogAdministration
from rom.catalog.live import LiveCatalog
from rom.catalog.loader import load_catalog
from rom.events.service import Events
from rom.fulfilment.amendment import Amendments
from rom.fulfilment.cancel_runner import CancelRunner
from rom.fulfilment.cancellation import Cancellations
from rom.fulfilment.compensation import Compensation
from rom.fulfilment.documents import API_PATH, OrderDocuments
from rom.fulfilment.fallout import Fallout
from rom.fulfilment.fulfiller import Fulfiller
from rom.fulfilment.gate import ServiceGate
from rom.fulfilment.intake import Intake
from rom.fulfilment.proof import ProofSettings, Prover
from rom.fulfilment.replanning import Replanner
from rom.fulfilment.site import SiteHandler
from rom.fulfilment.targets import Targets
from rom.fulfilment.transitions import Transitions
from rom.fulfilment.ztp_desk import ZtpDesk
from rom.gateway import Gateway
from rom.jobs import wakes as jobs
from rom.jobs.handlers import EngineHandlers
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.queries import Queries
from rom.rollback.compare import Comparison
from rom.rollback.preview import RollbackPreview
from rom.rollback.release import GiveBack
from rom.rollback.tasks import RollbackRunner
from rom.secrets import Vault, master_key
from rom.settings import Settings
from rom.store import orders
from rom.store.database import make_engine, migrate, plain_url
from rom.store.embedded import EmbeddedPostgres

log = structlog.get_logger(__name__)


@contextmanager
def open_database(settings: Settings) -> Iterator[tuple[sa.Engine, str]]:
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


@contextmanager
def open_gateway(settings: Settings) -> Iterator[Gateway]:
    """Yield a gateway that is ready to start; everything is closed in reverse on the way out.

    Raises ``InventoryFileError`` for an inventory file that cannot be loaded.
    """
    with ExitStack() as stack:
        engine, url = stack.enter_context(open_database(settings))
        vault = Vault(engine, master_key(settings.data_dir, settings.master_key), settings.base_url)
        events = Events(engine, vault, settings)
        load_files(engine, vault, settings)
        fleet = Fleet(load_profile, vault.resolve)
        stack.callback(fleet.close)
        wakes = jobs.Wakes(plain_url(url))
        stack.callback(wakes.close)
        catalog = LiveCatalog(engine, load_catalog(settings.catalog_dir))
        documents = OrderDocuments(catalog, settings.base_url)
        transitions = Transitions(documents)
        targets = Targets(engine, fleet, vault)
        desk = ZtpDesk(engine, transitions, vault, settings.base_url, wakes.site)
        gate = ServiceGate(engine, targets)
        writer = DeviceWriter(engine, targets, _writer_settings(settings), vault, gate)
        proof = ProofSettings(
            settings.retry_seconds, settings.twamp_packets, settings.twamp_interval
        )
        fulfiller = Fulfiller(
            engine,
            catalog,
            SiteHandler(transitions, targets, settings.retry_seconds),
            Prover(engine, transitions, targets, proof),
            desk.boot_url,
        )
        give_back = GiveBack(catalog)
        rollbacks = RollbackRunner(engine, targets, vault, give_back)
        audit = Audit(engine, fleet, targets)
        periodic = PeriodicAudit(engine, audit, settings.audit_seconds)
        tmf652 = f"{settings.base_url}{API_PATH}"
        compensation = Compensation(targets, vault, catalog)
        cancel_runner = CancelRunner(engine, catalog, transitions, compensation, tmf652)
        cancellations = Cancellations(engine, transitions, tmf652, wakes.site)
        fallout = Fallout(
            engine, catalog, documents, transitions, cancellations, wakes.site, wakes.device
        )
        replanner = Replanner(catalog, transitions, compensation)
        amendments = Amendments(
            engine,
            documents,
            transitions,
            replanner,
            cancellations,
            fallout,
            wakes.site,
            wakes.device,
        )
        handlers = EngineHandlers(
            engine, fulfiller, writer, rollbacks, cancel_runner, wakes, periodic
        )
        worker = jobs.Worker(plain_url(url), handlers, settings.workers)
        gateway = Gateway(
            engine,
            documents,
            wakes,
            worker,
            desk,
            RollbackPreview(engine, fleet, targets, vault),
            Comparison(engine, fleet, targets, vault),
            give_back,
            audit,
            vault,
            Intake(engine, catalog, documents, transitions, wakes.site),
            cancellations,
            Queries(engine, documents, settings.base_url),
            events,
            CatalogAdministration(engine, catalog, settings.base_url),
            amendments,
            fallout,
        )
        stack.callback(gateway.stop)
        yield gateway


def _writer_settings(settings: Settings) -> WriterSettings:
    return WriterSettings(
        holder=f"{socket.gethostname()}/{os.getpid()}",
        lease_seconds=settings.lease_seconds,
        confirm_seconds=settings.confirm_seconds,
        group_size=settings.group_size,
        retry_seconds=settings.retry_seconds,
    )


def load_files(engine: sa.Engine, vault: Vault, settings: Settings) -> None:
    """Load the inventory file and the lab's endpoints, as far as the settings name them."""
    if settings.inventory_file is not None:
        with engine.begin() as connection:
            load_file(connection, settings.inventory_file)
            orders.resources_came(connection)
        log.info("inventory.loaded", file=str(settings.inventory_file))
    if settings.lab_ready_file is not None:
        with engine.begin() as connection:
            report = import_lab(connection, settings.lab_ready_file, vault.remember)
        log.info("lab.imported", devices=len(report.devices), cpe=len(report.cpe))
