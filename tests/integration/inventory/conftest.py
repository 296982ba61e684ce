"""A database with inventory's tables, and the bundles a site of the product asks for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from inventory.load import load_file
from inventory.model import BundleRequest, ResourceRequest
from inventory.tables import metadata
from rom.store.embedded import EmbeddedPostgres
from tests.databases import empty_database
from tests.stocks import GROUND, completed

EXAMPLE = Path(__file__).parents[3] / "inventory" / "examples" / "enterprise-fibre.yaml"


@pytest.fixture(scope="session")
def inventory_engine(postgres_server: EmbeddedPostgres) -> Iterator[sa.Engine]:
    """One database for the area: making a new one takes longer than most of its tests."""
    with empty_database(postgres_server) as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def engine(inventory_engine: sa.Engine) -> Iterator[sa.Engine]:
    """Return an engine on empty tables."""
    yield inventory_engine
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    with inventory_engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {tables}"))


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def example() -> Path:
    return EXAMPLE


@pytest.fixture
def exactly(engine: sa.Engine, tmp_path: Path) -> Callable[[dict[str, object]], object]:
    """Load what a test says in Python, over the ground for it, and commit it."""
    path = tmp_path / "inventory.yaml"

    def load_content(content: dict[str, object]) -> object:
        for each in (GROUND, content):
            path.write_text(yaml.safe_dump(each, sort_keys=False))
            with engine.begin() as connection:
                report = load_file(connection, path)
        return report

    return load_content


@pytest.fixture
def load(exactly: Callable[[dict[str, object]], object]) -> Callable[[dict[str, object]], object]:
    """Load so what a test says, with what its kinds require besides."""
    return lambda content: exactly(completed(content))


@pytest.fixture
def two_hundred_sites() -> dict[str, object]:
    return {
        "customers": [
            {"id": "C1", "name": "One", "number": 1, "vpn": "V1", "autonomous_system": 65001}
        ],
        "sites": [
            {"key": f"S{n:03}", "name": f"Site {n}", "customer": "C1", "timezone": "UTC"}
            for n in range(200)
        ],
    }


_COMMON = (
    ("onu_id", "onu-id"),
    ("alloc_id", "alloc-id"),
    ("gemport_tc1", "gemport"),
    ("gemport_tc3", "gemport"),
)


@pytest.fixture
def product_bundle() -> Callable[..., BundleRequest]:
    """Return what the catalog asks for: a GPON site by area, a point-to-point one by exchange."""

    def bundle(site: str, pool: str, **place: str) -> BundleRequest:
        here = {"device": "@bearer.device", "port": "@bearer.port"}
        gpon = "area" in place
        domain = {"l2_domain": "@bearer.l2_domain"}
        wanted = [
            ("bearer", "pon-port" if gpon else "access-port", place, None),
            *((("ont", "ont", {"area": "@bearer.area"}, None),) if gpon else ()),
            *(((name, kind, here, None) for name, kind in _COMMON) if gpon else ()),
            ("access_bandwidth", "access-bandwidth", here, 525_000_000),
            ("sap_bandwidth", "sap-bandwidth", domain, 500_000_000),
            ("vlan", "vlan", {**domain, "service": "enterprise"}, None),
            ("ipv4", "ipv4-prefix", {"name": pool}, None),
            ("ipv6", "ipv6-prefix", {"name": pool}, None),
            ("ipv6_delegated", "ipv6-delegated", {"name": pool}, None),
            ("lan", "lan-prefix", {"site": site}, None),
            ("loopback", "loopback", {}, None),
            ("probe", "probe", {}, None),
            ("twamp_port", "twamp-port", {"device": "@bearer.probe"}, None),
            ("ce", "cpe", {"model": "ISR-4431"}, None),
        ]
        return BundleRequest(
            site=site,
            order_id="order-1",
            requests=tuple(
                ResourceRequest(name=name, kind=kind, match=match, amount=amount)
                for name, kind, match, amount in wanted
            ),
            items={name: "item-1" for name, *_ in wanted},
        )

    return bundle
