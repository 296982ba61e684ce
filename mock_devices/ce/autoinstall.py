"""Zero-touch provisioning from the router's side: discover, fetch the boot file, run it."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from mock_devices.ce.guestshell import run_script
from mock_devices.ce.network import Discover, Offer, TransferError, fetch
from mock_devices.cli.machine import Machine
from mock_devices.cli.shell import Handler

SCRIPT_LIMIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class BackOff:
    """Seconds between attempts: from ``first``, doubled each time, up to ``longest``."""

    first: float = 0.25
    longest: float = 5.0

    def after(self, attempts: int) -> float:
        """Return the pause after so many failed attempts."""
        return min(self.longest, self.first * 2.0 ** min(attempts - 1, 20))


@dataclass(slots=True)
class Autoinstall:
    """The procedure of a router without startup configuration.

    ``history`` holds what happened, newest last, for a status page.
    """

    machine: Machine
    handlers: Mapping[str, Handler]
    discover: Discover
    offered: Callable[[Offer | None], None]
    """Told of each offer before it is used."""
    back_off: BackOff = field(default_factory=BackOff)
    script_limit: float = SCRIPT_LIMIT_SECONDS
    account: Callable[[str, str], None] = lambda _user, _password: None
    """Told of each account that a boot file makes, with its password."""
    history: deque[str] = field(default_factory=lambda: deque(maxlen=100))
    attempts: int = 0

    async def run(self) -> None:
        """Try until a boot file has done its work; runs until cancelled otherwise."""
        failed = 0
        while True:
            offer = await self.discover(self.machine.serial)
            self.offered(offer)
            if offer is None:
                self.history.append("no address offered")
            elif await self._install(offer):
                self.history.append("done")
                return
            failed += 1
            await asyncio.sleep(self.back_off.after(failed))

    async def _install(self, offer: Offer) -> bool:
        self.attempts += 1
        path = urlsplit(offer.boot_url).path
        name = path.rpartition("/")[2]
        self.history.append(f"address {offer.address}, boot file {name}")
        try:
            content = await fetch(offer.boot_url, self._naming_itself(offer))
            text = content.decode("utf-8")
        except (TransferError, UnicodeDecodeError) as error:
            self.history.append(f"boot file: {error}")
            return False
        boot = self.machine.grammar.boot
        if not boot.script:
            return self._take(text, boot.account)
        if not name.endswith(".py"):
            return self._merge(text)
        result = await run_script(text, self.machine, self.handlers, self.script_limit)
        last = result.output.strip().splitlines()[-1:]
        self.history.append(f"script ended with {result.code}: {' '.join(last)}")
        return result.code == 0

    def _naming_itself(self, offer: Offer) -> Offer:
        named = self.machine.grammar.boot.headers
        headers = {key: text.format(serial=self.machine.serial) for key, text in named.items()}
        return replace(offer, headers={**offer.headers, **headers})

    def _take(self, text: str, account: str) -> bool:
        """Apply and save a whole configuration; the accounts in it are made first."""
        for found in re.finditer(account, text) if account else ():
            self.account(found["user"], found["password"])
        taken = self._merge(text)
        if taken:
            self.machine.save()
        return taken

    def _merge(self, text: str) -> bool:
        refused = [remark.line for remark in self.machine.merge(text) if remark.refused]
        self.history.append(f"configuration file, {len(refused)} lines refused")
        return not refused
