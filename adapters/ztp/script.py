"""The day-0 script that routers run."""

import re
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined

_FILE = Path(__file__).with_name("day0.py.j2")
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_/-]+")


@lru_cache(maxsize=256)
def day0_script(base_url: str) -> bytes:
    """Return the script that talks to ``base_url`` (such as ``http://192.0.2.80/ztp/v1/<token>``).

    Python 3.6 standard library and IOS-XE's ``cli`` module only. Raises ValueError for a URL that
    could break out of the script or of the router's command line.
    """
    if not _URL.fullmatch(base_url):
        raise ValueError("not a plain http URL")
    environment = Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is Python, no HTML; the one value is checked above
    )
    template = environment.from_string(_FILE.read_text(encoding="utf-8"))
    return template.render(base_url=base_url.rstrip("/")).encode()
