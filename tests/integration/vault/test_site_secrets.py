"""Secrets of sites get new values on all devices, and the former ones go when none holds them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.errors import SecretUnavailable, Unreachable
from adapters.receipts import receipt
from adapters.seam import ApplyMode, Capability, Receipt, SiteEdits
from device_profiles.fragment import Fragment, merged
from device_profiles.tree import DIGEST_PREFIX, PRESENT, SECRET_PREFIX, Path, Tree, in_scope
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.model.change import ChangeKind
from rom.model.deed import Actor, ActorKind
from rom.model.errors import Invalid, NotPossible, UnknownSite
from rom.store import changes, intents, secrets
from rom.store.database import Engine, make_engine
from rom.store.embedded import EmbeddedPostgres
from rom.trail import trail
from rom.vault.site_secrets import SiteSecrets
from rom.vault.vault import Vault
from tests.databases import stocked_database

SITE, OTHER = "ENT-1102-MELB", "ENT-1102-SYD1"
ANNA = Actor("noc-anna", ActorKind.TOKEN, "192.0.2.7")
KEY: Path = ("neighbor[ip='10.0.0.2']", "key")
LABEL: Path = ("neighbor[ip='10.0.0.2']", "description")


class Box:
    """A device that keeps secrets and shows digests of them."""

    capabilities = frozenset({Capability.TRANSACTION, Capability.EDIT_ISOLATION})

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.tree: dict[Path, str] = {}
        self.held: dict[Path, str] = {}
        self.dies_after_commit = False

    def read(self, scope: Collection[Path]) -> Tree:
        shown = {
            path: f"{DIGEST_PREFIX}{sha256(self.held[path].encode()).hexdigest()}"
            if path in self.held
            else value
            for path, value in self.tree.items()
        }
        return in_scope(shown, scope)

    def users(self, entries: Collection[Path]) -> Mapping[Path, Mapping[Path, str]]:
        return {}

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        if mode.before_commit is not None:
            mode.before_commit()
        for edit in (edit for part in batch for edit in part.edits):
            self.tree.pop(edit.path, None)
            self.held.pop(edit.path, None)
            if edit.after is None:
                continue
            self.tree[edit.path] = edit.after
            if edit.after.startswith(SECRET_PREFIX):
                name = edit.after.removeprefix(SECRET_PREFIX)
                self.held[edit.path] = self.vault.resolve(name).get_secret_value()
        if self.dies_after_commit:
            self.dies_after_commit = False
            raise KeyboardInterrupt
        return receipt(batch, mode, {})

    def confirm(self, transaction: str) -> None:
        return

    def cancel(self, transaction: str) -> None:
        return

    def save(self) -> None:
        return


class Gateway:
    """One gateway on the database; a second one knows nothing of the first but what is there."""

    def __init__(self, engine: Engine, boxes: dict[str, Box]) -> None:
        self.engine = engine
        self.boxes = boxes
        self.vault = Vault(engine, SecretStr("k" * 40))
        self.woken: list[str] = []
        self.secrets = SiteSecrets(engine, self.vault, self.woken.append)
        self.away: set[str] = set()

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Any]:
        if device in self.away:
            raise Unreachable("is away", device=device)
        yield self.boxes[device]

    def write(self, device: str) -> None:
        settings = WriterSettings("test", 30, 120, 64, 0.001)
        DeviceWriter(self.engine, self, settings, self.vault).run(device)

    def rotate(self, kind: str = "bgp", site: str = SITE) -> Any:
        return self.secrets.rotate(site, kind, by=ANNA, reason="somebody has left", ticket="CHG-7")

    def key_on(self, device: str) -> str:
        return self.boxes[device].held[KEY]


@pytest.fixture
def engine(postgres_server: EmbeddedPostgres) -> Iterator[Engine]:
    with stocked_database(postgres_server) as url:
        made = make_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def gateway(engine: Engine) -> Gateway:
    """Two devices that hold a key of the site's in common, and one that has another secret."""
    boxes: dict[str, Box] = {}
    made = Gateway(engine, boxes)
    boxes |= {name: Box(made.vault) for name in ("BNG", "CE", "OTHER")}
    for device in boxes:
        kind = "ce-login" if device == "OTHER" else "bgp"
        own = {KEY[:1]: PRESENT, KEY: f"secret:{kind}/{SITE}", LABEL: "ours"}
        with engine.begin() as connection:
            intents.keep(
                connection, device=device, site=SITE, role="bng",
                fragments={"ip": Fragment(own)},
            )  # fmt: skip
            changes.request(connection, device=device, site=SITE, kind=ChangeKind.APPLY)
        made.write(device)
    return made


def another(gateway: Gateway) -> Gateway:
    return Gateway(gateway.engine, gateway.boxes)


def deeds(gateway: Gateway) -> list[tuple[str, str]]:
    return [(entry.deed.kind, entry.deed.actor.name) for entry in trail.export(gateway.engine)]


def test_a_new_value_goes_to_every_device_and_then_the_former_one_goes(gateway: Gateway) -> None:
    former = gateway.key_on("BNG")
    untouched = gateway.key_on("OTHER")
    asked = gateway.rotate()
    assert (asked.devices, gateway.woken) == (("BNG", "CE"), ["BNG", "CE"])
    assert gateway.secrets.settle(SITE) == []
    gateway.write("BNG")
    assert gateway.secrets.settle(SITE) == []
    assert gateway.key_on("CE") == former
    gateway.write("CE")
    assert gateway.secrets.settle(SITE) == [f"bgp/{SITE}"]
    new = gateway.key_on("BNG")
    assert new == gateway.key_on("CE") != former
    assert gateway.key_on("OTHER") == untouched
    assert gateway.vault.resolve(f"bgp/{SITE}").get_secret_value() == new
    assert deeds(gateway) == [
        ("secret.rotated", "noc-anna"), ("secret.formerValueDropped", "gateway"),
    ]  # fmt: skip
    assert not any(
        new in str(entry) or former in str(entry) for entry in trail.export(gateway.engine)
    )


def test_a_former_value_that_was_made_is_forgotten(gateway: Gateway) -> None:
    for _ in range(2):
        gateway.rotate()
        gateway.write("BNG")
        gateway.write("CE")
        gateway.secrets.settle(SITE)
    with gateway.engine.connect() as connection:
        assert [each.name for each in secrets.every(connection)] == [f"bgp/{SITE}/3"]
    with pytest.raises(SecretUnavailable):
        gateway.vault.resolve(f"bgp/{SITE}/2")


def test_a_device_that_is_away_keeps_the_former_value_and_the_rest_goes_on(
    gateway: Gateway,
) -> None:
    former = gateway.key_on("CE")
    gateway.away = {"CE"}
    gateway.rotate()
    gateway.write("BNG")
    gateway.write("CE")
    assert gateway.secrets.settle(SITE) == []
    assert gateway.key_on("CE") == former != gateway.key_on("BNG")
    assert gateway.secrets.under_way() == {SITE}
    with pytest.raises(NotPossible, match="is being replaced"):
        gateway.rotate("ce-login")
    later = another(gateway)
    later.write("CE")
    assert later.secrets.settle(SITE) == [f"bgp/{SITE}"]
    assert later.key_on("CE") == later.key_on("BNG")


def test_a_gateway_that_dies_between_the_device_and_its_ledger_leaves_it_to_the_next(
    gateway: Gateway,
) -> None:
    gateway.rotate()
    gateway.boxes["BNG"].dies_after_commit = True
    with pytest.raises(KeyboardInterrupt):
        gateway.write("BNG")
    later = another(gateway)
    assert later.secrets.settle(SITE) == []
    for device in ("BNG", "CE"):
        later.write(device)
    assert later.secrets.settle(SITE) == [f"bgp/{SITE}"]
    assert later.key_on("BNG") == later.key_on("CE")
    assert later.vault.resolve(f"bgp/{SITE}").get_secret_value() == later.key_on("CE")


def test_a_second_run_after_it_sends_nothing_and_no_way_back_leads_to_the_former_value(
    gateway: Gateway,
) -> None:
    former = gateway.key_on("BNG")
    with gateway.engine.connect() as connection:
        before = intents.fragments(connection, "BNG", SITE)
    gateway.rotate()
    gateway.write("BNG")
    gateway.write("CE")
    gateway.secrets.settle(SITE)
    new = gateway.key_on("BNG")
    with gateway.engine.begin() as connection:
        # As a rollback does: the intent of before, whatever names its secrets had then.
        intents.keep(connection, device="BNG", site=SITE, role="bng", fragments=before)
        assert merged(intents.fragments(connection, "BNG", SITE)).own[KEY].endswith("/2")
        changes.request(connection, device="BNG", site=SITE, kind=ChangeKind.ROLLBACK)
    gateway.write("BNG")
    assert gateway.key_on("BNG") == new != former


def test_what_somebody_else_has_set_meanwhile_is_not_replaced_along_with_it(
    gateway: Gateway,
) -> None:
    former = gateway.key_on("CE")
    gateway.boxes["CE"].tree[LABEL] = "by hand"
    gateway.rotate()
    gateway.write("BNG")
    gateway.write("CE")
    assert gateway.boxes["CE"].tree[LABEL] == "by hand"
    assert gateway.key_on("CE") == former
    assert gateway.secrets.settle(SITE) == []


def test_what_cannot_be_replaced_is_refused_and_nothing_is_changed(gateway: Gateway) -> None:
    with pytest.raises(Invalid, match="no secret of a site"):
        gateway.rotate("device")
    with pytest.raises(UnknownSite):
        gateway.rotate(site="NOWHERE")
    with pytest.raises(NotPossible, match="no device of"):
        gateway.rotate("snmp-auth")
    with pytest.raises(NotPossible, match="no device of"):
        gateway.rotate(site=OTHER)
    assert deeds(gateway) == []
    assert gateway.secrets.under_way() == set()
