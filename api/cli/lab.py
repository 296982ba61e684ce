"""``rom lab``: the simulated lab by itself, for a gateway that runs elsewhere or for exploring."""

import os
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from api.cli.exits import Exit, fail
from api.cli.options import DataDir
from api.cli.output import Listing, output
from api.cli.settings import read_settings, say_where
from api.serving import lab
from api.serving.claim import only_server_of
from api.serving.errors import ServeError

app = typer.Typer(no_args_is_help=True, add_completion=False)
_PID_FILE = "lab.pid"
_LOOK_SECONDS = 0.05


@app.command()
def up(
    topology: Annotated[str, typer.Argument(help="A topology file or the name of a shipped one.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Start the lab in the background and return when every device listens."""
    state = _state_dir(data_dir)
    try:
        place = lab.find_topology(topology)
        with only_server_of(state.parent):  # a server with --lab has this state directory in use
            if _running_pid(state) is not None:
                raise fail(f"the lab is up already; its state is in {state}")
            pid = _start(place, state)
    except ServeError as error:
        raise fail(str(error)) from error
    names = ", ".join(sorted(lab.read_ready_file(state)["devices"]))
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(f"The lab is up (pid {pid}): {names}")
    console.print(f"Endpoints and credentials: {state / lab.READY_FILE}")


def _start(topology: Path, state: Path) -> int:
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    ready = state / lab.READY_FILE
    ready.unlink(missing_ok=True)
    with (state / "lab.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*lab.command(topology, state), "--outlive-parent"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = monotonic() + lab.START_SECONDS
    while not ready.exists():
        if process.poll() is not None or monotonic() > deadline:
            process.kill()
            message = f"the lab did not come up; see {state / 'lab.log'}"
            raise ServeError(message)
        sleep(_LOOK_SECONDS)
    (state / _PID_FILE).write_text(str(process.pid))
    return process.pid


@app.command()
def down(*, data_dir: DataDir = None) -> None:
    """Stop the lab; what its devices were taught stays for the next start."""
    state = _state_dir(data_dir)
    pid = _running_pid(state)
    if pid is None:
        raise fail(f"no lab of ours is up with its state in {state}")
    os.kill(pid, signal.SIGTERM)
    deadline = monotonic() + lab.STOP_SECONDS
    while _running_pid(state) is not None:
        if monotonic() > deadline:
            raise fail(f"the lab (pid {pid}) did not stop", Exit.FAILED)
        sleep(_LOOK_SECONDS)
    for name in (_PID_FILE, lab.READY_FILE):
        (state / name).unlink(missing_ok=True)
    Console().print("The lab is down")


@app.command()
def status(*, data_dir: DataDir = None) -> None:
    """Show where every device and router listens."""
    ready = _ready(_state_dir(data_dir))
    rows = (
        (name, device.get("role"), device.get("profile_hint"),
         device.get("url") or f"{device.get('host')}:{device.get('port')}")
        for name, device in sorted(ready["devices"].items())
    )  # fmt: skip
    console = output()
    console.print(Listing("Devices", ("Device", "Role", "Profile", "Address"), rows))
    routers = _control(ready, "GET", "/status").json()["ce"]
    found = (
        (serial, router["powered"], router["configured"], router["address"], router["hostname"])
        for serial, router in sorted(routers.items())
    )
    headings = ("Serial", "Powered", "Configured", "Address", "Hostname")
    console.print(Listing("Routers", headings, found))


@app.command()
def boot(serial: str, *, data_dir: DataDir = None) -> None:
    """Switch a customer router on."""
    ready = _ready(_state_dir(data_dir))
    if serial not in ready["cpe"]:
        raise fail(f"the lab has no router '{serial}'; it has {', '.join(sorted(ready['cpe']))}")
    _control(ready, "POST", f"/ce/{serial}/boot")
    Console().print(f"{serial} is booting", markup=False)


def _control(ready: dict[str, Any], method: str, path: str) -> httpx.Response:
    """Ask the lab's control interface; ends the command when it does not answer well."""
    headers = {"Authorization": f"Bearer {ready['token']}"}
    try:
        with httpx.Client(base_url=ready["control"], trust_env=False, timeout=30) as control:
            answer = control.request(method, path, headers=headers)
    except httpx.HTTPError as error:
        raise fail(f"the lab does not answer at {ready['control']}: {error}") from error
    if answer.is_error:
        raise fail(f"the lab refused: {answer.status_code} {answer.text}", Exit.FAILED)
    return answer


def _state_dir(data_dir: Path | None) -> Path:
    settings = read_settings(data_dir=data_dir)
    say_where(settings)
    return settings.data_dir / "lab"


def _ready(state: Path) -> dict[str, Any]:
    try:
        return lab.read_ready_file(state)
    except ServeError as error:
        raise fail(str(error)) from error


def _running_pid(state: Path) -> int | None:
    """Return the pid of the lab that ``up`` started; a reused pid is told by its command line."""
    try:
        pid = int((state / _PID_FILE).read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(state).encode() in words and b"mock_devices" in words else None
