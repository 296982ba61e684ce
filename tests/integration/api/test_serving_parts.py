"""Claims, children and signals, with real processes."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.serving.child import Child
from api.serving.claim import ADDRESS_FILE, listen, only_server_of, published_address
from api.serving.errors import ServeError
from api.serving.lab import find_topology
from api.serving.signals import StopSignals


def test_a_data_directory_has_one_server_and_the_refusal_names_it(tmp_path: Path) -> None:
    with only_server_of(tmp_path):
        refused = pytest.raises(ServeError, match=f"pid {os.getpid()}")
        with refused, only_server_of(tmp_path):
            pass
    with only_server_of(tmp_path):
        pass


def test_a_killed_server_leaves_no_claim(tmp_path: Path) -> None:
    program = (
        "import sys, signal, pathlib\n"
        "from api.serving.claim import only_server_of\n"
        "with only_server_of(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True); signal.pause()\n"
    )
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ServeError, match=str(other.pid)), only_server_of(tmp_path):
            pass
        other.kill()
    with only_server_of(tmp_path):
        pass


def test_an_unusable_data_directory_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ServeError, match=f"data directory {file}"), only_server_of(file):
        pass


def test_a_taken_port_is_refused_with_advice() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(ServeError, match="--port"),
    ):
        listen("127.0.0.1", other.getsockname()[1])


def test_an_answer_is_sent_at_once_however_many_segments_it_has() -> None:
    with (
        listen("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_address_is_there_only_while_the_server_is(tmp_path: Path) -> None:
    with published_address(tmp_path, "http://127.0.0.1:1"):
        found = json.loads((tmp_path / ADDRESS_FILE).read_text())
        assert found == {"pid": os.getpid(), "url": "http://127.0.0.1:1"}
    assert not (tmp_path / ADDRESS_FILE).exists()


@pytest.fixture
def deaf_child(tmp_path: Path) -> Iterator[Child]:
    program = (
        "import signal, pathlib\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf', flush=True); signal.pause()\n"
    )
    child = Child([sys.executable, "-c", program], tmp_path / "log", {})
    yield child
    child.stop(0)


def test_a_child_that_does_not_listen_is_killed_and_its_last_words_are_kept(
    deaf_child: Child,
) -> None:
    while "deaf" not in deaf_child.last_words():
        assert deaf_child.exit_code is None
    deaf_child.stop(0.2)
    assert deaf_child.exit_code == -signal.SIGKILL


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, signal, pathlib\n"
        "from api.serving.child import Child\n"
        "child = Child([sys.executable, '-c', 'import signal; signal.pause()'],\n"
        "              pathlib.Path(sys.argv[1]) / 'log', {})\n"
        "print(child.pid, flush=True); signal.pause()\n"
    )
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        grandchild = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    # A pidfd becomes readable when its process has ended.
    assert select.select([grandchild], [], [], 10)[0]
    os.close(grandchild)


def test_signals_are_noted_and_interrupt_nothing() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as stop:
        assert not stop.requested
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_unknown_topology_is_refused_with_the_shipped_ones() -> None:
    with pytest.raises(ServeError, match="no topology file 'moon'"):
        find_topology("moon")
