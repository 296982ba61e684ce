"""Fixtures every area shares: a real PostgreSQL for the run, a fresh database for a test."""

import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from rom.store.embedded import EmbeddedPostgres
from tests.databases import fresh_database

ROOT_DATA = Path("/var/lib/rom-gateway")
SHARING = ("tests/faults", "tests/acceptance/rollback", "tests/acceptance/undo")
"""Folders whose modules share a network."""
APART = ("tests/laws",)
"""Folders whose tests are long and need nothing of each other."""


class Folder:
    """What the modules of one folder share, until the folder's last test.

    A session's fixture would live on: a gateway and a lab that stand idle slow down all others.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._kept: dict[str, Any] = {}

    def keep(self, name: str, make: Callable[[], AbstractContextManager[Any]]) -> Any:
        """Return the value of ``make``'s context, entered once."""
        if name not in self._kept:
            self._kept[name] = self._stack.enter_context(make())
        return self._kept[name]

    def note(self, name: str, look: Callable[[], Any]) -> Any:
        """Return what ``look`` has found, looked for once."""
        return self.keep(name, lambda: nullcontext(look()))

    def close(self) -> None:
        self._stack.close()


_folders: dict[Path, Folder] = {}


class ModulesTogether(LoadScopeScheduling):
    """Tests of a module run in one process and in their order, as stories ask."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        folder = module.rpartition("/")[0]
        if folder in APART:
            return nodeid
        return folder if folder in SHARING else module


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ModulesTogether:
    return ModulesTogether(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """Close what the folder shares behind its last test."""
    yield
    here = item.path.parent
    if (nextitem is None or nextitem.path.parent != here) and here in _folders:
        _folders.pop(here).close()


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Folder:
    return _folders.setdefault(request.path.parent, Folder())


# A deadline for each example would measure how busy the machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def scratch_root() -> Iterator[Path]:
    """A directory that PostgreSQL's user may pass, also when the tests run as root."""
    parent = None
    if os.geteuid() == 0:
        ROOT_DATA.mkdir(mode=0o755, parents=True, exist_ok=True)
        parent = ROOT_DATA
    with tempfile.TemporaryDirectory(prefix="test-", dir=parent) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def postgres_server(scratch_root: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(scratch_root, durable=False) as server:
        yield server


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    with fresh_database(postgres_server) as url:
        yield url
