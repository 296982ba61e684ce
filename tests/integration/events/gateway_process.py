"""A gateway's event delivery as a process of its own, to be killed. Arguments: database URL."""

import sys
import time
from typing import Any

from pydantic import SecretStr

from rom.events.service import Events
from rom.settings import Settings
from rom.store.database import make_engine
from rom.vault.vault import Vault


def main(url: str) -> None:
    """Deliver until killed."""
    quick: dict[str, Any] = {
        "callback_allow": "127.0.0.0/8",
        "callback_http": True,
        "event_timeout_seconds": 1.0,
        "event_backoff_seconds": 0.1,
    }
    engine = make_engine(url)
    settings = Settings(**quick)
    vault = Vault(engine, SecretStr("k" * 40))
    Events(engine, vault, settings, settings.base_url).start()
    time.sleep(600)


main(sys.argv[1])
