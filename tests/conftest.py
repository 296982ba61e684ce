"""Fixtures every area shares: a real PostgreSQL for the run, a fresh database for a test."""

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from rom.store.embedded import EmbeddedPostgres
from tests.databases import RUNNING_SERVER, empty_database, fresh_database

SHARING = ("tests/faults", "tests/acceptance/rollback", "tests/acceptance/undo")
"""Folders whose modules share a network."""
APART = ("tests/laws",)
"""Folders whose tests are long and need nothing of each other."""

MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has a random name and one owner
MEMORY_NEEDED = 4 << 30
"""Bytes that must be free there; a full run takes a part of it."""
_scratch = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Put what the tests throw away, databases above all, into memory where there is room.

    A disk spends more time on making and removing a database's files than most tests take.
    """
    if hasattr(config, "workerinput") or not _roomy(MEMORY):
        return  # a worker finds it in its environment
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # kept after the run
    place = Path(tempfile.mkdtemp(prefix="rom-test-", dir=MEMORY))
    place.chmod(0o711)
    os.environ["TMPDIR"] = str(place)
    tempfile.tempdir = None
    config.stash[_scratch] = place


def pytest_unconfigure(config: pytest.Config) -> None:
    if _scratch in config.stash:
        shutil.rmtree(config.stash[_scratch], ignore_errors=True)


def _roomy(place: Path) -> bool:
    if "TMPDIR" in os.environ or not os.access(place, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize >= MEMORY_NEEDED


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
    """A directory of the run's own that PostgreSQL's user may pass, also when root runs us."""
    with tempfile.TemporaryDirectory(prefix="rom-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session", autouse=True)
def never_the_data_of_a_gateway(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """What names no data directory gets one of ours: the default may belong to a real gateway."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ROM_DATA_DIR", str(tmp_path_factory.mktemp("unnamed-data-directory")))
        patched.setenv("ROM_SETTINGS_FILE", "")
        yield


@pytest.fixture(scope="session")
def postgres_server(scratch_root: Path) -> Iterator[EmbeddedPostgres]:
    if running := os.environ.get(RUNNING_SERVER):
        yield EmbeddedPostgres(Path(running), durable=False)
        return
    with EmbeddedPostgres(scratch_root, durable=False) as server:
        yield server


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """URL of a database of this test's own with this release's schema."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """URL of a database of this test's own without any table."""
    with empty_database(postgres_server) as url:
        yield url
