import re
import shutil
import subprocess
import sys
from hashlib import sha512
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from adapters.ztp.service import Serial, ZtpRefused, router
from device_profiles.day0 import day0_file
from device_profiles.errors import ProfileError
from device_profiles.profile import FOLDER, load_profile

CONFIG = b"hostname ce-ent-1102-melb\nend\n"
LINES = b"! credentials\nsnmp-server user nmsuser NMS v3 auth sha-2 256 AAAA priv aes 128 BBBB\n"
SERIAL = "FDO2340567"
SITE = "ENT-1102-MELB"

# A guest shell: the `cli` module that runs the script's commands against a gateway by HTTP.
CLI_MODULE = """
import hashlib, json, re, urllib.error, urllib.request
FLASH, LOG = {}, open("log.txt", "a")
REFUSED = set(json.load(open("refused.json")))
def note(text):
    LOG.write(text + "\\n"); LOG.flush()
def cli(command):
    note(command)
    if command in REFUSED:
        return "% Invalid input detected at '^' marker."
    if command == "show inventory":
        return 'NAME: "Chassis", DESCR: "ISR"\\nPID: ISR4431/K9 , VID: V03, SN: FDO2340567\\n'
    found = re.match(r"copy (http\\S+) (\\S+)", command)
    if found:
        try:
            body = urllib.request.urlopen(found.group(1)).read()
        except urllib.error.HTTPError as error:
            raise RuntimeError("%Error opening " + found.group(1)) from error
        FLASH[found.group(2)] = body
    if command.startswith("more "):
        return FLASH[command.split()[1]].decode()
    if command.startswith("verify "):
        name = command.split()[-1]
        return "verify /sha512 (%s) = %s" % (name, hashlib.sha512(FLASH[name]).hexdigest())
    if command.startswith("delete "):
        del FLASH[command.split()[-1]]
    return ""
def configure(lines):
    for line in lines:
        note("configure: " + line)
    return []
"""


class BootstrapOfOneOrder:
    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.checksum = sha512(CONFIG).hexdigest()
        self.clients: set[str] = set()

    def _check(self, token: str, serial: str) -> None:
        if (token, serial) != ("tok-MELB", SERIAL):
            raise ZtpRefused("wrong CPE at the site of GlobalTech")

    def script(self, token: str, serial: Serial, client: str) -> bytes:
        self._check(token, SERIAL)
        return day0_file(load_profile("iosxe-ce"), "http://192.0.2.80/ztp/v1/tok-MELB", SITE)

    def config(self, token: str, serial: str, client: str) -> bytes:
        self._check(token, serial)
        self.clients.add(client)
        return CONFIG

    def sha512(self, token: str, serial: str, client: str) -> str:
        self._check(token, serial)
        return self.checksum

    def exec_lines(self, token: str, serial: str, client: str) -> bytes:
        self._check(token, serial)
        return LINES

    def event(self, token: str, serial: str, client: str, name: str, detail: str) -> None:
        self._check(token, serial)
        self.events.append((name, detail))


@pytest.fixture
def bootstrap() -> BootstrapOfOneOrder:
    return BootstrapOfOneOrder()


@pytest.fixture
def client(bootstrap: BootstrapOfOneOrder) -> TestClient:
    app = FastAPI()
    app.include_router(router(bootstrap))
    return TestClient(app)


def test_the_right_router_gets_its_files(client: TestClient) -> None:
    base = "/ztp/v1/tok-MELB"
    assert b"from cli import" in client.get(f"{base}/ztp.py").content
    assert client.get(f"{base}/config/{SERIAL}").content == CONFIG
    assert client.get(f"{base}/exec/{SERIAL}").content == LINES
    assert client.get(f"{base}/sha512/{SERIAL}").text.strip() == sha512(CONFIG).hexdigest()


def test_a_second_boot_gets_the_same_bytes(client: TestClient) -> None:
    url = f"/ztp/v1/tok-MELB/config/{SERIAL}"
    assert client.get(url).content == client.get(url).content


@pytest.mark.parametrize(
    "path",
    [
        "/ztp/v1/unknown/ztp.py",
        "/ztp/v1/bad%20token/ztp.py",
        "/ztp/v1/tok-MELB/config/FDO9999999",
        "/ztp/v1/tok-MELB/config/x",
        "/ztp/v1/tok-MELB/config/FDO%0A2340567",
        "/ztp/v1/unknown/sha512/FDO2340567",
        "/ztp/v1/unknown/exec/FDO2340567",
        "/ztp/v1/tok-MELB/event/FDO2340567/exploded",
        "/ztp/v1/tok-MELB/event/FDO2340567/started?d=%3Cscript%3E",
    ],
)
def test_every_wrong_request_gets_the_same_empty_403(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.content) == (403, b"")


def test_an_event_reaches_the_bootstrap_server(
    client: TestClient, bootstrap: BootstrapOfOneOrder
) -> None:
    client.get(f"/ztp/v1/tok-MELB/event/{SERIAL}/completed?d=abc_1.2")
    assert bootstrap.events == [("completed", "abc_1.2")]


def test_no_header_names_the_address_that_a_request_comes_from(
    bootstrap: BootstrapOfOneOrder,
) -> None:
    app = FastAPI()
    app.include_router(router(bootstrap))
    names = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP")
    headers = {name: "for=10.88.12.2" if name == "Forwarded" else "10.88.12.2" for name in names}
    client = TestClient(app, headers=headers, client=("10.88.12.9", 4242))
    client.get(f"/ztp/v1/tok-MELB/config/{SERIAL}")
    assert bootstrap.clients == {"10.88.12.9"}


def test_a_loader_may_look_first_and_go_on_where_it_was_cut_off(client: TestClient) -> None:
    url = f"/ztp/v1/tok-MELB/config/{SERIAL}"
    looked = client.head(url)
    assert (looked.status_code, looked.headers["accept-ranges"]) == (200, "bytes")
    assert looked.headers["content-length"] == str(len(CONFIG))
    first = client.get(url, headers={"Range": "bytes=0-3"})
    rest = client.get(url, headers={"Range": "bytes=4-"})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == CONFIG
    assert rest.headers["content-range"] == f"bytes 4-{len(CONFIG) - 1}/{len(CONFIG)}"
    last = client.get(url, headers={"Range": "bytes=-2"})
    assert last.content == CONFIG[-2:]


def test_a_range_that_lies_outside_is_told_and_an_odd_one_ignored(client: TestClient) -> None:
    url = f"/ztp/v1/tok-MELB/config/{SERIAL}"
    outside = client.get(url, headers={"Range": f"bytes={len(CONFIG)}-"})
    assert (outside.status_code, outside.headers["content-range"]) == (
        416,
        f"bytes */{len(CONFIG)}",
    )
    for odd in ("lines=1-2", "bytes=1-2,4-5", "bytes=x-", "bytes=1-" + "9" * 40):
        assert client.get(url, headers={"Range": odd}).content == CONFIG


def test_answers_are_not_to_be_cached(client: TestClient) -> None:
    response = client.get(f"/ztp/v1/tok-MELB/config/{SERIAL}")
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("url", ['http://x/"+evil', "ftp://x", "http://x y", "http://x\n"])
def test_a_url_that_could_break_out_of_the_script_is_refused(url: str) -> None:
    with pytest.raises(ProfileError, match="URL"):
        day0_file(load_profile("iosxe-ce"), url, SITE)


def test_a_site_cannot_add_a_line_to_the_file() -> None:
    with pytest.raises(ProfileError, match="control character"):
        day0_file(load_profile("frr-ce"), "http://192.0.2.80/ztp/v1/t", "A\n! account evil x")


def test_frrs_file_begins_with_the_account_whose_password_is_still_a_reference() -> None:
    text = day0_file(load_profile("frr-ce"), "http://192.0.2.80/ztp/v1/t", "S").decode()
    assert "\n! account netops secret:ce-login/S\n" in text


def test_a_serial_number_in_a_header_is_checked_before_it_is_believed() -> None:
    class Asking(BootstrapOfOneOrder):
        def script(self, token: str, serial: Serial, client: str) -> bytes:
            return serial("X-Serial-Number").encode()

    application = FastAPI()
    application.include_router(router(Asking()))
    http = TestClient(application)
    asked = http.get("/ztp/v1/tok-MELB/ztp.py", headers={"X-Serial-Number": SERIAL})
    assert asked.text == SERIAL
    for wrong in ("", "a b", "<script>", "x" * 40):
        refused = http.get("/ztp/v1/tok-MELB/ztp.py", headers={"X-Serial-Number": wrong})
        assert (refused.status_code, refused.content) == (403, b"")


def test_a_platform_without_a_day_0_file_says_so() -> None:
    with pytest.raises(ProfileError, match="ios-switch has no day0"):
        day0_file(load_profile("ios-switch"), "http://192.0.2.80/ztp/v1/tok", SITE)


def test_a_day_0_file_may_be_a_plain_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "ios-switch"
    shutil.copytree(FOLDER / "ios-switch", folder)
    (folder / "day0.j2").write_text("hostname new\nboot host {{ base_url }}/config\n")
    with (folder / "profile.yaml").open("a") as file:
        file.write("\nday0: day0.j2\n")
    made = day0_file(load_profile("ios-switch", tmp_path), "http://192.0.2.80/ztp/v1/tok/", SITE)
    assert made == b"hostname new\nboot host http://192.0.2.80/ztp/v1/tok/config\n"


def run_script(
    folder: Path, client: TestClient, refused: str = "", times: int = 1
) -> tuple[int, str]:
    """Run the served script as a router would, its HTTP answered by ``client``."""
    import json
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer: httpx.Response = client.get(self.path)
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Relay) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/ztp/v1/tok-MELB"
        (folder / "cli.py").write_text(CLI_MODULE)
        (folder / "refused.json").write_text(json.dumps([refused]))
        (folder / "ztp.py").write_bytes(day0_file(load_profile("iosxe-ce"), base, SITE))
        for _ in range(times):
            done = subprocess.run([sys.executable, "ztp.py"], cwd=folder, check=False, timeout=30)
        server.shutdown()
    return done.returncode, (folder / "log.txt").read_text()


def test_the_script_provisions_and_reports(
    tmp_path: Path, client: TestClient, bootstrap: BootstrapOfOneOrder
) -> None:
    code, log = run_script(tmp_path, client)
    assert code == 0
    assert [name for name, _ in bootstrap.events] == ["started", "completed"]
    applied, ran, saved = (
        log.index("copy flash:day1.cfg running-config"),
        log.index("configure: snmp-server user nmsuser"),
        log.index("write memory"),
    )
    assert applied < ran < saved
    assert "delete /force flash:day1.exec" in log, "credentials do not stay on the flash"
    assert "configure: ! credentials" not in log


def test_the_script_run_twice_does_the_same_again(
    tmp_path: Path, client: TestClient, bootstrap: BootstrapOfOneOrder
) -> None:
    code, _ = run_script(tmp_path, client, times=2)
    assert code == 0
    assert [name for name, _ in bootstrap.events] == ["started", "completed"] * 2


def test_the_script_applies_nothing_whose_checksum_is_wrong(
    tmp_path: Path, client: TestClient, bootstrap: BootstrapOfOneOrder
) -> None:
    bootstrap.checksum = "0" * 128
    code, log = run_script(tmp_path, client)
    assert code == 1
    assert bootstrap.events[-1] == ("failed", "checksum")
    assert "running-config" not in log


def test_the_script_reports_a_refused_configuration(
    tmp_path: Path, client: TestClient, bootstrap: BootstrapOfOneOrder
) -> None:
    code, log = run_script(tmp_path, client, refused="copy flash:day1.cfg running-config")
    assert code == 1
    assert bootstrap.events[-1][0] == "failed"
    assert "Invalid_input" in bootstrap.events[-1][1]
    assert "write memory" not in log


def test_a_refused_download_ends_in_a_report_or_silence_but_no_configuration(
    tmp_path: Path, client: TestClient, bootstrap: BootstrapOfOneOrder
) -> None:
    bootstrap.config = lambda *_: (_ for _ in ()).throw(ZtpRefused())  # type: ignore[method-assign]
    code, log = run_script(tmp_path, client)
    assert code == 1
    assert not re.search(r"copy flash:\S+ running-config", log)
