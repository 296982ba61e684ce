"""Who gets a configuration, and what a request changes that has proven nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from adapters.errors import Unreachable
from adapters.ztp.service import ZtpRefused
from rom.fulfilment.arrivals import Arrivals
from rom.fulfilment.bootstrap import Bootstrap
from rom.fulfilment.staging import token_of
from rom.store import tickets
from rom.vault.vault import BOOT_URL, Vault
from tests.integration.fulfilment.conftest import Engine, StubTargets

SITE, SERIAL, OTHERS = "ENT-1102-MELB", "FDO2340567", "FDO2349999"
BASE = "http://127.0.0.1:1"
CLIENT = "10.88.12.2"
"""The address that the shipped inventory reserves for the site's router."""


@pytest.fixture
def staged(rom: Engine) -> tuple[Bootstrap, str, str]:
    """The bootstrap server of a site whose router is booked, its circuit's token, its order."""
    rom.load(lambda _: None)
    vault = Vault(rom.engine, SecretStr("k" * 40), BASE)
    token = token_of(vault.resolve(f"{BOOT_URL}/{SITE}").get_secret_value())
    rom.fulfiller._boot_url = Bootstrap(
        rom.engine, rom.transitions, vault, BASE, lambda _: None
    ).boot_url
    order_id = rom.order("so-pilot-melbourne")
    rom.run(SITE)
    return Bootstrap(rom.engine, rom.transitions, vault, BASE, lambda _: None), token, order_id


def everything(rom: Engine) -> list[Any]:
    tables = ("order_item", "item_note", "event_outbox", "ztp_ticket", "change")
    with rom.engine.connect() as connection:
        return [
            connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2").all()  # noqa: S608 - names above
            for table in tables
        ]


def refused(circuit: str) -> float:
    return REGISTRY.get_sample_value("rom_ztp_refused_total", {"circuit": circuit}) or 0.0


@pytest.mark.parametrize("serial", [SERIAL, OTHERS])
def test_an_unknown_token_changes_nothing_whatever_it_claims(
    rom: Engine, staged: tuple[Bootstrap, str, str], serial: str
) -> None:
    bootstrap, _, _ = staged
    before, counted = everything(rom), refused("unknown")
    for ask in (bootstrap.config, bootstrap.sha512, bootstrap.exec_lines):
        with pytest.raises(ZtpRefused):
            ask("a-token-that-nobody-has", serial, CLIENT)
    with pytest.raises(ZtpRefused):
        bootstrap.event("a-token-that-nobody-has", serial, CLIENT, "completed", "")
    assert everything(rom) == before
    assert refused("unknown") == counted + 4


def test_another_router_on_a_proven_circuit_holds_its_item(
    rom: Engine, staged: tuple[Bootstrap, str, str]
) -> None:
    bootstrap, token, order_id = staged
    with pytest.raises(ZtpRefused):
        bootstrap.config(token, OTHERS, CLIENT)
    assert rom.item(order_id, "ROI-006").reason == "WRONG_CPE"


def test_a_router_that_gets_its_configuration_is_in_the_trail_once(
    rom: Engine, staged: tuple[Bootstrap, str, str]
) -> None:
    bootstrap, token, order_id = staged
    for _ in range(2):
        bootstrap.config(token, SERIAL, CLIENT)
    with pytest.raises(ZtpRefused):
        bootstrap.config("a-token-that-nobody-has", SERIAL, "192.0.2.8")
    with rom.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT actor, actor_kind, client, sites, order_id FROM trail_entry "
            "WHERE kind = 'site.configurationFetched'"
        ).all()
    assert [tuple(row) for row in rows] == [(SERIAL, "router", CLIENT, [SITE], order_id)]


def test_a_router_that_will_be_provisioned_is_not_known_by_a_former_key(rom: Engine) -> None:
    rom.load(lambda _: None)
    rom.do(
        """UPDATE resource SET access = '{"ssh": {"host_key": "ssh-ed25519 AAAA", "port": 22}}' """
        "WHERE attributes ->> 'serial' = :serial",
        serial=SERIAL,
    )
    rom.order("so-pilot-melbourne")
    rom.run(SITE)
    with rom.engine.connect() as connection:
        access = connection.exec_driver_sql(
            f"SELECT access FROM resource WHERE attributes ->> 'serial' = '{SERIAL}'"  # noqa: S608 - named above
        ).scalar_one()
        told = connection.exec_driver_sql(
            "SELECT sites, devices, actor FROM trail_entry WHERE kind = 'device.hostKeyForgotten'"
        ).one()
    assert access == {"ssh": {"port": 22}}
    assert tuple(told) == ([SITE], [SERIAL], "gateway")


def test_the_token_itself_is_not_kept(rom: Engine, staged: tuple[Bootstrap, str, str]) -> None:
    _, token, _ = staged
    assert token not in str(everything(rom))


def test_after_the_router_has_called_back_nothing_leaves_any_more(
    rom: Engine, staged: tuple[Bootstrap, str, str]
) -> None:
    bootstrap, token, _ = staged
    script = bootstrap.script(token, lambda _: SERIAL, CLIENT)
    assert bootstrap.script(token, lambda _: SERIAL, CLIENT) == script
    configuration = bootstrap.config(token, SERIAL, CLIENT)
    assert bootstrap.config(token, SERIAL, CLIENT) == configuration
    bootstrap.event(token, SERIAL, CLIENT, "completed", "")
    bootstrap.event(token, SERIAL, CLIENT, "completed", "")  # its answer may be lost
    for ask in (bootstrap.config, bootstrap.sha512, bootstrap.exec_lines):
        with pytest.raises(ZtpRefused):
            ask(token, SERIAL, CLIENT)
    with pytest.raises(ZtpRefused):
        bootstrap.script(token, lambda _: SERIAL, CLIENT)


@pytest.mark.parametrize(
    "client", ["10.88.12.3", "192.0.2.7", "127.88.12.2", "::1", "testclient", "", "10.88.12.2%0"]
)
def test_another_address_gets_and_changes_nothing_with_the_right_token_and_serial(
    rom: Engine, staged: tuple[Bootstrap, str, str], client: str
) -> None:
    bootstrap, token, _ = staged
    before, counted = everything(rom), refused("elsewhere")
    for serial in (SERIAL, OTHERS):
        for ask in (bootstrap.config, bootstrap.sha512, bootstrap.exec_lines):
            with pytest.raises(ZtpRefused):
                ask(token, serial, client)
        with pytest.raises(ZtpRefused):
            bootstrap.event(token, serial, client, "completed", "")
        with pytest.raises(ZtpRefused):
            bootstrap.script(token, lambda _, serial=serial: serial, client)  # type: ignore[misc]
    assert everything(rom) == before
    assert refused("elsewhere") == counted + 10


def test_an_ipv4_address_is_the_same_on_a_socket_for_both_versions(
    staged: tuple[Bootstrap, str, str],
) -> None:
    bootstrap, token, _ = staged
    assert bootstrap.config(token, SERIAL, f"::ffff:{CLIENT}") == bootstrap.config(
        token, SERIAL, CLIENT
    )


def test_where_addresses_are_translated_on_the_way_the_router_comes_from_what_they_are_mapped_to(
    rom: Engine, staged: tuple[Bootstrap, str, str]
) -> None:
    bootstrap, token, _ = staged
    rom.do(
        """UPDATE resource SET access = '{"ztp": {"network": "127.0.0.0/8"}}' """
        "WHERE attributes ->> 'serial' = :serial",
        serial=SERIAL,
    )
    assert bootstrap.config(token, SERIAL, "127.88.12.2")
    with pytest.raises(ZtpRefused):
        bootstrap.config(token, SERIAL, CLIENT)


def test_a_site_that_has_given_its_address_back_serves_nobody(
    rom: Engine, staged: tuple[Bootstrap, str, str]
) -> None:
    bootstrap, token, _ = staged
    rom.do("DELETE FROM reservation WHERE site = :site AND name = 'ipv4'", site=SITE)
    with pytest.raises(ZtpRefused):
        bootstrap.config(token, SERIAL, CLIENT)


def ticket(rom: Engine) -> str:
    with rom.engine.connect() as connection:
        return str(connection.exec_driver_sql("SELECT state FROM ztp_ticket").scalar_one())


def test_a_router_whose_report_was_lost_is_found_by_logging_in_once_it_has_its_configuration(
    rom: Engine, staged: tuple[Bootstrap, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap, token, order_id = staged
    bootstrap.event(token, SERIAL, CLIENT, "started", "")
    rom.run(SITE)
    assert ticket(rom) == "started"  # nothing of its site has left for it yet
    bootstrap.config(token, SERIAL, CLIENT)
    assert rom.fulfiller.sites_with_silent_routers() == {SITE}
    with monkeypatch.context() as patched:
        patched.setattr(StubTargets, "open", away)
        rom.run(SITE)
    assert ticket(rom) == "fetched"
    assert (rom.item(order_id, "ROI-006").reason, blocked(rom)) == ("AWAITING_CPE", [SERIAL])
    rom.run(SITE)
    assert (ticket(rom), blocked(rom)) == ("completed", [])
    assert rom.fulfiller.sites_with_silent_routers() == set()
    assert rom.item(order_id, "ROI-006").state == "inProgress"


def test_a_router_is_given_time_before_it_counts_as_silent(
    rom: Engine, staged: tuple[Bootstrap, str, str]
) -> None:
    bootstrap, token, _ = staged
    bootstrap.config(token, SERIAL, CLIENT)
    arrivals = Arrivals(rom.engine, rom.targets, retry_seconds=15)
    assert (arrivals.sites(), arrivals.look(SITE)) == (set(), False)
    rom.do("UPDATE ztp_ticket SET updated_at = now() - interval '301 seconds'")
    assert arrivals.sites() == {SITE}
    with rom.engine.connect() as connection:
        assert tickets.hear_silent(connection, SITE, 300) == [SERIAL]
        assert tickets.hear_silent(connection, SITE, 300) == []  # another gateway has it in hand


def blocked(rom: Engine) -> list[str]:
    with rom.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT device FROM change WHERE state = 'blocked'")
        return list(found.scalars())


@contextmanager
def away(_targets: StubTargets, device: str, _site: str) -> Iterator[Any]:
    raise Unreachable("no route", device=device)
    yield
