"""The control agent: Kea's JSON commands over HTTP with basic authentication."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mock_devices.services.kea import octets
from mock_devices.services.kea.decision import Offer, offer
from mock_devices.services.kea.families import FAMILIES
from mock_devices.services.kea.server import (
    ERROR,
    SUCCESS,
    UNSUPPORTED,
    VERSION,
    Answer,
    KeaServer,
    answer,
)
from mock_devices.services.web import WebService, basic_matches

_MAX_BODY = 64 * 2**20


class KeaAgent:
    """One ``kea-ctrl-agent`` with its DHCPv4 and DHCPv6 servers.

    ``baselines`` maps ``dhcp4`` and ``dhcp6`` to the configuration of a first start. ``down`` and
    ``refuse_next`` are faults: no answer but 500, or one command refused with a text.
    """

    def __init__(
        self, state_dir: Path, baselines: Mapping[str, Mapping[str, Any]], user: str, password: str
    ) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self.servers = {
            name: KeaServer(FAMILIES[name], state_dir, baseline)
            for name, baseline in baselines.items()
        }
        self.counters: Counter[str] = Counter()
        self.down = False
        self.refuse_next: str | None = None
        self.offline: set[str] = set()
        """Servers that are not there, while the agent is."""
        self._user = user
        self._password = password
        self.web = WebService(Starlette(routes=[Route("/", self._post, methods=["POST"])]))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the bound port."""
        return await self.web.start(host, port)

    async def stop(self) -> None:
        """Close the port."""
        await self.web.stop()

    def restart(self) -> None:
        """Start both servers again from their files, losing what was not written."""
        for server in self.servers.values():
            server.restart()

    def offer(self, giaddr: str, circuit_id: str | None, hw: str = "") -> Offer | None:
        """Return what the DHCPv4 server offers, and keep the lease it would make of it."""
        server = self.servers["dhcp4"]
        made = offer(server.configuration(), giaddr, circuit_id)
        if made is not None:
            server.leases[made.address] = {
                "ip-address": made.address,
                "hw-address": hw,
                "subnet-id": made.subnet_id,
                "valid-lft": made.lifetime,
                "hostname": made.hostname or "",
                "state": 0,
            }
        return made

    async def _post(self, request: Request) -> Response:
        if self.down:
            return JSONResponse({"result": 500, "text": "Internal Server Error"}, 500)
        if not basic_matches(request, self._user, self._password):
            return JSONResponse(
                {"result": 401, "text": "Unauthorized"},
                401,
                {"WWW-Authenticate": 'Basic realm="kea-control-agent"'},
            )
        body = await request.body()
        try:
            command = octets.loads(body) if len(body) <= _MAX_BODY else None
        except ValueError:
            command = None
        if not isinstance(command, dict) or not isinstance(command.get("command"), str):
            return JSONResponse({"result": 400, "text": "Bad Request"}, 400)
        shown = octets.dumps(self._dispatch(command))
        return Response(shown, media_type="application/json")

    def _dispatch(self, command: Mapping[str, Any]) -> list[Answer]:
        name = command["command"]
        self.counters[name] += 1
        if self.refuse_next is not None and name in ("config-test", "config-set", "config-write"):
            text, self.refuse_next = self.refuse_next, None
            return [answer(ERROR, text)]
        services = command.get("service") or []
        if not isinstance(services, list):
            return [answer(ERROR, "service value must be a list")]
        if not services:
            return [self._own(name)]
        return [self._forward(service, name, command.get("arguments")) for service in services]

    def _forward(self, service: Any, name: str, arguments: Any) -> Answer:
        server = self.servers.get(service) if isinstance(service, str) else None
        if server is None:
            return answer(
                ERROR, f"forwarding socket is not configured for the server type {service}"
            )
        if service in self.offline:
            return answer(
                ERROR,
                f"unable to forward command to the {service} service: No such file or directory. "
                "The server is likely to be offline",
            )
        return server.command(name, arguments)

    def _own(self, name: str) -> Answer:
        """Answer a command without ``service``, which is for the agent itself."""
        if name == "version-get":
            return answer(SUCCESS, VERSION, {"extended": VERSION})
        if name == "list-commands":
            return answer(SUCCESS, arguments=["list-commands", "version-get"])
        return answer(UNSUPPORTED, f"'{name}' command not supported.")
