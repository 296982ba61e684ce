"""Requests that a web page of elsewhere makes in somebody's browser (Fetch, RFC 6454).

A browser sends simple requests anywhere without asking first, with whatever lets its user in. It
cannot be told not to; but it says where the page comes from, and no page can change that.
"""

from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from api.errors import ApiError

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HERE = frozenset({"same-origin", "none"})


def refuse_other_pages(request: Request, *, open_lab: bool) -> None:
    """Raise ``ApiError`` (403) for a change that a page of another origin asks for.

    Programs other than browsers send neither header and are not concerned. In the open lab, where
    nothing else keeps a page out, a host name could be the page's own made to point here (DNS
    rebinding), so that only ``localhost`` and addresses count as ours.
    """
    if request.method in _SAFE:
        return
    origin = request.headers.get("origin")
    fetched = request.headers.get("sec-fetch-site", "none")
    if origin is None and fetched in _HERE:
        return
    host = request.headers.get("host", "").lower()
    if origin is not None and _place(origin) == host and (_is_certain(host) or not open_lab):
        return
    raise ApiError(
        HTTPStatus.FORBIDDEN,
        "otherOrigin",
        f"Origin: a page of {origin or 'another site'} asks for a change",
        "Ask from a program, or from a page of this gateway",
    )


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _is_certain(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
