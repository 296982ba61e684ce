"""One database has one master key: others are refused, and it is changed for all at once."""

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from rom.gateway.keys import Keys
from rom.model.deed import GATEWAY
from rom.model.errors import Misconfigured, NotPossible
from rom.model.snapshot import Moment
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store import evidence, sealing
from rom.store.database import DatabaseAway, Engine, make_engine
from rom.store.tables import device_txn, sealing_key
from rom.trail import trail
from rom.vault import fingerprint, rotation
from rom.vault.master_key import KEY_FILE, NEXT_FILE, MasterKey, unlock
from rom.vault.vault import Vault

FIRST, SECOND = SecretStr("the first master key of this database"), SecretStr("s" * 32)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(database_url)
    yield made
    made.dispose()


def vault_of(engine: Engine, key: MasterKey) -> Vault:
    return Vault(engine, key.value, "http://127.0.0.1:1", key.root)


def with_everything_sealed(engine: Engine, key: MasterKey) -> Vault:
    """A database with a secret, a piece of evidence and a listener's secret."""
    vault = vault_of(engine, key)
    vault.remember("device/OLT-1", "geheim")
    with engine.begin() as connection:
        connection.execute(
            sa.insert(device_txn).values(
                id="t", device="D", kind="apply", state="committed", epoch=1
            )
        )
        for number in range(300):  # more than are sealed again in one batch
            connection.execute(
                sa.text(
                    "INSERT INTO snapshot (site, device, role, txn, moment, content_hash, sealed)"
                    " VALUES ('S', 'D', 'bng', 't', 'after', '', :sealed)"
                ),
                {"sealed": vault.seal(f"snapshot {number}".encode())},
            )
        evidence.keep(
            connection, vault, device="D", transaction="t", moment=Moment.BEFORE, content=b"all"
        )
        connection.execute(
            sa.text(
                "INSERT INTO hub_subscription (id, api, callback, query, sealed_secret)"
                " VALUES ('l', 'resourceOrder', 'https://a', '', :sealed)"
            ),
            {"sealed": vault.seal(b"for signatures")},
        )
    return vault


def test_whatever_is_bytes_in_the_database_is_sealed_or_known_not_to_be() -> None:
    binary = {
        f"{table.name}.{column.name}"
        for table in sealing.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary) and not column.name.startswith("sealed")
    }
    assert binary == {"access_token.digest", "sealing_key.salt", "sealing_key.fingerprint"}


def test_a_gateway_with_another_key_is_refused_in_words(database_url: str, tmp_path: Path) -> None:
    first = Settings(data_dir=tmp_path / "a", database_url=database_url, master_key=FIRST)
    with open_gateway(first):
        pass
    other = first.model_copy(update={"data_dir": tmp_path / "b", "master_key": SECOND})
    with (
        pytest.raises(Misconfigured, match="ROM_MASTER_KEY is another one") as refused,
        open_gateway(other),
    ):
        pass
    for words in ("belongs to the backup", "Set ROM_MASTER_KEY"):
        assert words in str(refused.value)
    for key in (FIRST, SECOND):
        assert key.get_secret_value() not in str(refused.value)


def test_a_restored_database_without_its_key_is_refused_and_no_key_is_made_for_it(
    engine: Engine, tmp_path: Path
) -> None:
    unlock(engine, tmp_path / "before", None)
    with pytest.raises(ValueError, match=f"there is none here.*{KEY_FILE}"):
        unlock(engine, tmp_path / "restored", None)
    assert not (tmp_path / "restored").exists()
    (tmp_path / "restored").mkdir()
    (tmp_path / "restored" / KEY_FILE).write_text("k" * 40)
    with pytest.raises(ValueError, match="is another one"):
        unlock(engine, tmp_path / "restored", None)


def test_a_key_that_a_person_has_put_in_place_with_a_line_end_fits(
    engine: Engine, tmp_path: Path
) -> None:
    made = unlock(engine, tmp_path, None)
    (tmp_path / KEY_FILE).write_text(made.value.get_secret_value() + "\n")
    assert unlock(engine, tmp_path, None).value == made.value


@pytest.mark.parametrize("fits", [True, False])
def test_a_database_of_a_release_without_fingerprints_takes_the_key_that_opens_it(
    engine: Engine, tmp_path: Path, *, fits: bool
) -> None:
    Vault(engine, FIRST).remember("device/OLT-1", "geheim")
    if not fits:
        with pytest.raises(ValueError, match="were sealed with a master key, and"):
            unlock(engine, tmp_path, SECOND)
        return
    key = unlock(engine, tmp_path, FIRST)
    assert Vault(engine, key.value).resolve("device/OLT-1").get_secret_value() == "geheim"


def test_the_fingerprint_tells_nothing_of_the_key_and_costs_memory_to_try(engine: Engine) -> None:
    unlock(engine, Path("/nowhere"), FIRST)
    with engine.connect() as connection:
        known = sealing.known_key(connection)
    assert known is not None
    assert fingerprint.fits(FIRST, known.salt, known.fingerprint)
    assert not fingerprint.fits(FIRST, fingerprint.new_salt(), known.fingerprint)
    assert 128 * fingerprint._COST * fingerprint._BLOCKS >= 32 << 20
    assert FIRST.get_secret_value() not in repr(known)


def test_a_rotation_seals_everything_again_and_leaves_what_sites_know(
    engine: Engine, tmp_path: Path
) -> None:
    key = unlock(engine, tmp_path, None)
    before = with_everything_sealed(engine, key)
    derived = before.resolve("bgp/ENT-1102-MELB")
    done = rotation.rotate_own(engine, key, tmp_path)
    assert done.count == 303
    (entry,) = trail.export(engine)
    assert (entry.deed.kind, entry.deed.subject) == ("secret.masterKeyRotated", done.fingerprint)
    after = unlock(engine, tmp_path, None)
    assert after.value != key.value
    assert after.generation == 2
    vault = vault_of(engine, after)
    assert vault.resolve("device/OLT-1").get_secret_value() == "geheim"
    assert vault.resolve("bgp/ENT-1102-MELB") == derived
    with engine.connect() as connection:
        for table in ("snapshot", "evidence"):
            for sealed in connection.scalars(sa.text(f"SELECT sealed FROM {table}")):  # noqa: S608 - names above
                vault.unseal(bytes(sealed))
        sealed = connection.scalar(sa.text("SELECT sealed_secret FROM hub_subscription"))
    assert vault.unseal(bytes(sealed)) == b"for signatures"
    assert done.former is not None
    assert done.former.read_text() == key.value.get_secret_value()
    for file in (tmp_path / KEY_FILE, done.former):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = rotation.rotate_own(engine, after, tmp_path)
    assert again.former != done.former
    third = vault_of(engine, unlock(engine, tmp_path, None))
    assert third.resolve("bgp/ENT-1102-MELB") == derived


def test_a_rotation_that_fails_has_changed_nothing(engine: Engine, tmp_path: Path) -> None:
    key = unlock(engine, tmp_path, None)
    vault = with_everything_sealed(engine, key)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE hub_subscription SET sealed_secret = 'damaged'::bytea"))
    with pytest.raises(NotPossible, match="damaged"):
        rotation.rotate_own(engine, key, tmp_path)
    assert unlock(engine, tmp_path, None).value == key.value
    assert vault.resolve("device/OLT-1").get_secret_value() == "geheim"


def test_a_rotation_killed_before_the_files_are_changed_is_finished_at_the_next_start(
    engine: Engine, tmp_path: Path
) -> None:
    key = unlock(engine, tmp_path, None)
    with_everything_sealed(engine, key)
    (tmp_path / NEXT_FILE).write_text("n" * 40)
    rotation.rotate(engine, key, SecretStr("n" * 40))  # and then the power went
    assert unlock(engine, tmp_path, None).value.get_secret_value() == "n" * 40
    assert (tmp_path / KEY_FILE).read_text() == "n" * 40
    assert not (tmp_path / NEXT_FILE).exists()


def test_between_the_two_files_of_a_rotation_there_is_always_a_key_that_fits(
    engine: Engine, tmp_path: Path
) -> None:
    key = unlock(engine, tmp_path, None)
    (tmp_path / NEXT_FILE).write_text("n" * 40)
    rotation.rotate(engine, key, SecretStr("n" * 40))
    (tmp_path / KEY_FILE).rename(tmp_path / f"{KEY_FILE}.1")  # the first of its two steps
    assert unlock(engine, tmp_path, None).value.get_secret_value() == "n" * 40
    assert (tmp_path / KEY_FILE).exists()


def test_no_rotation_while_a_gateway_runs_and_none_with_the_present_key(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    with open_gateway(settings) as gateway:
        gateway.problems()
        key = unlock(engine, tmp_path, None)
        with pytest.raises(NotPossible, match="a gateway is running"):
            rotation.rotate_own(engine, key, tmp_path)
    with pytest.raises(NotPossible, match="is the present one"):
        rotation.rotate(engine, key, key.value)
    assert rotation.rotate_own(engine, key, tmp_path).generation == 2


def test_a_gateway_whose_key_was_changed_while_it_was_cut_off_gets_no_connection_any_more(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    """Its sessions ended with the database; so it did not stand in the rotation's way."""
    key = unlock(engine, tmp_path, None)
    stale = make_engine(database_url)
    sealing.hold(stale, key.generation)
    vault = Vault(stale, key.value)
    vault.remember("device/OLT-1", "geheim")
    stale.dispose()
    rotation.rotate_own(engine, key, tmp_path)
    with pytest.raises(DatabaseAway, match="start again with the new one"):
        vault.remember("device/OLT-2", "sealed with the former key")
    stale.dispose()


def test_a_key_that_was_given_is_changed_for_one_in_a_file_only(
    engine: Engine, tmp_path: Path
) -> None:
    keys = Keys(engine, unlock(engine, tmp_path, FIRST), tmp_path, is_own=False)
    with pytest.raises(NotPossible, match="set by ROM_MASTER_KEY"):
        keys.rotate(None, by=GATEWAY)
    file = tmp_path / "new"
    file.write_text("short\n")
    with pytest.raises(Misconfigured, match="at least 32 characters"):
        keys.rotate(file, by=GATEWAY)
    file.write_text(SECOND.get_secret_value() + "\n")
    before = keys.fingerprint()
    assert keys.rotate(file, by=GATEWAY).fingerprint == keys.fingerprint() != before
    assert unlock(engine, tmp_path, SECOND).root == FIRST


def test_only_one_key_is_kept_however_many_gateways_come_first_at_once(
    engine: Engine, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as threads:
        keys = list(threads.map(lambda _: unlock(engine, tmp_path, None).value, range(4)))
    assert len(set(keys)) == 1
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(sealing_key)) == 1
