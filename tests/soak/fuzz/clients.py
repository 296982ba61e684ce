"""Clients of the fuzz: each sends one request a turn to one part of the gateway."""

import json
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import yaml

from tests.faults.network import ORDERS, Gateway
from tests.soak.fuzz.hostile import TEXTS, mutated, value

LEFT_OUT = ("/rom/v1/events/stream", "/rom/v1/secrets/{name}", "/rom/v1/audit/export")
"""Endless, or able to take the gateway's way to its devices."""
JSON = {"Content-Type": "application/json"}


@dataclass
class Figures:
    """What was asked and what was answered."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def note(self, part: str, status: int, request: str, answer: str) -> None:
        self.statuses[part, status] += 1
        if status >= 500 and len(self.faults) < 50:
            self.faults.append(f"{part} {status}: {request[:600]} -> {answer[:300]}")

    def shown(self) -> str:
        parts = sorted({part for part, _ in self.statuses})
        lines = []
        for part in parts:
            found = {status: n for (name, status), n in self.statuses.items() if name == part}
            told = ", ".join(f"{n} x {status}" for status, n in sorted(found.items()))
            lines.append(f"{part}: {told}")
        return "\n".join(lines)


def as_json(document: Any) -> bytes:
    """Return JSON as a careless client writes it, lone surrogates included."""
    return json.dumps(document).encode()


class Client:
    """Sends to one gateway and notes the answers."""

    def __init__(self, gateway: Gateway, figures: Figures, random: Random) -> None:
        self.gateway = gateway
        self.figures = figures
        self.random = random
        paths = gateway.http.get("/openapi.json").json()["paths"]
        self._operations = [
            (method.upper(), path, operation)
            for path, operations in paths.items()
            for method, operation in operations.items()
            if path not in LEFT_OUT and not (method == "delete" and "pecification" in path)
        ]
        self._file = gateway.inventory.read_text()
        self._known = ["ENT-1102-BNE1", "OLT-SOUTH-03", "1", "RO-0", "ROI-001"]

    def send(self, part: str, method: str, path: str, **request: Any) -> httpx.Response | None:
        """Send one request; ``None`` where it cannot even be written or ends without an answer."""
        try:
            answer = self.gateway.http.request(method, path, **request)
        except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeEncodeError, ValueError):
            return None
        except httpx.HTTPError as error:
            self.figures.note(part, 599, f"{method} {path} {request}", repr(error))
            return None
        told = f"{method} {path} {request.get('content', b'')!r} {request.get('headers')}"
        self.figures.note(part, answer.status_code, told, answer.text)
        return answer

    def parts(self) -> Mapping[str, Callable[[], None]]:
        """Return what can be asked, by name."""
        return {
            "any operation": self.operation,
            "queries": self.query,
            "headers": self.headers,
            "raw bytes": self.raw,
            "ztp": self.ztp,
            "hubs": self.hub,
            "inventory files": self.inventory,
            "patches": self.any_patch,
        }

    def _filled(self, path: str) -> str:
        return "/".join(
            quote(self._parameter(), safe="") if step.startswith("{") else step
            for step in path.split("/")
        )

    def _parameter(self) -> str:
        text = self.random.choice([*TEXTS, *self._known, *self._known])[:2000]
        return text.encode(errors="surrogateescape" if "\ud800" not in text else "replace").decode()

    def operation(self) -> None:
        """Send something to any operation, with a body whether it takes one or not."""
        method, path, _ = self.random.choice(self._operations)
        body = as_json(
            mutated({"reason": "x", "site": "X", "text": value(self.random)}, self.random)
        )
        self.send("any operation", method, self._filled(path), content=body, headers=JSON)

    def query(self) -> None:
        """Send hostile parameters, known and unknown, and half of them not encoded well."""
        _, path, operation = self.random.choice(
            [each for each in self._operations if each[0] == "GET"]
        )
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        pairs = []
        for _ in range(self.random.randint(1, 3)):
            name = self.random.choice([*names, *names, "sort", "fields", *TEXTS])[:500]
            if name == "wait":
                continue
            operator = self.random.choice(["=", "=", ".gt=", ".regex=", "*=", ">", "!=", ""])
            pairs.append(f"{_quoted(name)}{operator}{_quoted(str(value(self.random)))[:3000]}")
        self.send("queries", "GET", f"{self._filled(path)}?{'&'.join(pairs)}")

    def headers(self) -> None:
        """Send hostile header values."""
        names = ["Idempotency-Key", "X-Request-ID", "Authorization", "Content-Type", "Accept",
                 "Content-Encoding", "If-Match", "Range", "Origin", "Sec-Fetch-Site", "Forwarded",
                 "X-Forwarded-For", "Traceparent", "Expect", "Cookie", "Host"]  # fmt: skip
        text = self.random.choice(TEXTS)[:4000].encode(errors="replace")
        headers = {self.random.choice(names).encode(): text, b"X-Other": b"1"}
        method, path, _ = self.random.choice(self._operations)
        self.send("headers", method, self._filled(path), content=b"{}", headers=headers)

    def raw(self) -> None:
        """Send bytes that are nearly a request."""
        sound = (
            b"POST "
            + ORDERS.encode()
            + b" HTTP/1.1\r\nHost: rom\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
        )
        changed = bytearray(sound)
        for _ in range(self.random.randint(1, 4)):
            place = self.random.randrange(len(changed))
            cut = self.random.randint(0, 3)
            new = self.random.choice(
                [b"\0", b"\r", b"\n", b" ", b":", b"\xff", b"Transfer-Encoding: chunked\r\n"]
            )
            changed[place : place + cut] = new
        address = urlsplit(self.gateway.url)
        with socket.create_connection((address.hostname or "", address.port or 0), 5) as line:
            line.sendall(bytes(changed))
            line.shutdown(socket.SHUT_WR)
            line.settimeout(30)
            try:
                answer = line.recv(4096)
            except ConnectionResetError:
                return
        words = answer.split(b" ", 2)
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        self.figures.note("raw bytes", status, repr(bytes(changed)), repr(answer))

    def ztp(self) -> None:
        """Ask as a router, with a token of nobody."""
        path = self.random.choice(
            [
                "ztp.py",
                "config/{s}",
                "sha512/{s}",
                "exec/{s}",
                "event/{s}/completed",
                "event/{s}/{s}",
            ]
        )
        url = f"/ztp/v1/{quote(self._parameter(), safe='')}/" + path.replace(
            "{s}", quote(self._parameter(), safe="")
        )
        headers = {b"X-Serial-Number": self.random.choice(TEXTS)[:200].encode(errors="replace")}
        self.send("ztp", self.random.choice(["GET", "HEAD", "POST"]), url, headers=headers)

    def hub(self) -> None:
        """Register a hostile listener; one that is taken goes again."""
        hub = {"callback": "http://127.0.0.1:9/x", "query": "eventType=ResourceOrderCreateEvent"}
        path = self.random.choice(
            [p for m, p, _ in self._operations if p.endswith("/hub") and m == "POST"]
        )
        answer = self.send(
            "hubs", "POST", path, content=as_json(mutated(hub, self.random)), headers=JSON
        )
        if answer is not None and answer.status_code == 201:
            self.send("hubs", "DELETE", f"{path}/{answer.json()['id']}")

    def inventory(self) -> None:
        """Load a hostile file; after one that was taken the right one is loaded again."""
        file = yaml.safe_load(self._file)
        part = {name: file[name] for name in self.random.sample(sorted(file), 2)}
        content = as_json(mutated(part, self.random))
        answer = self.send(
            "inventory files", "POST", "/rom/v1/inventory", content=content, headers=JSON
        )
        if answer is not None and answer.status_code == 200:
            self.send(
                "inventory files", "POST", "/rom/v1/inventory", content=as_json(file), headers=JSON
            )

    def any_patch(self) -> None:
        """Change an order that is over, as most are."""
        found = self.gateway.http.get(ORDERS, params={"limit": 3, "fields": "id"}).json()
        if found:
            self.patch(self.random.choice(found)["id"])

    def patch(self, order_id: str) -> None:
        """Change an order with what has other types than it should."""
        notes = {
            "note": [{"text": "x", "author": "y", "date": "2026-01-01T00:00:00Z"}],
            "description": "z",
        }
        path = f"{ORDERS}/{order_id}"
        if self.random.random() < 0.3:
            operations = [{"op": "replace", "path": "/description", "value": "x"}]
            headers = {"Content-Type": "application/json-patch+json"}
            body = as_json(mutated(operations, self.random))
        else:
            headers, body = JSON, as_json(mutated(notes, self.random))
        self.send("patches", "PATCH", path, content=body, headers=headers)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
