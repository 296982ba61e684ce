import asyncio

import pytest

from rom.events.callback import CallbackPolicy
from rom.model.errors import CallbackRefused

NAMES = {
    "som.example.net": ["93.184.216.34"],
    "inside.example.net": ["10.1.2.3"],
    "both.example.net": ["93.184.216.34", "10.1.2.3"],
    "mapped.example.net": ["::ffff:169.254.169.254"],
    "translated.example.net": ["64:ff9b::a01:203"],
    "meta.example.net": ["169.254.169.254"],
    "shared.example.net": ["100.100.100.200"],
    "a.b.example.org": ["93.184.216.34"],
    "example.org": ["93.184.216.34"],
}


async def names(host: str, port: int) -> list[str]:
    if host not in NAMES:
        raise OSError("unknown")
    return NAMES[host]


def address(callback: str, allow: str, *, http: bool = False) -> str:
    policy = CallbackPolicy(allow, http=http, resolver=names)
    return asyncio.run(policy.address(policy.target(callback)))


ALL_NAMED = "*.example.net,example.org,*.example.org"


@pytest.mark.parametrize(
    ("callback", "allow", "expected"),
    [
        ("https://som.example.net/x", "som.example.net", "93.184.216.34"),
        ("https://SOM.example.net./x", "som.example.net", "93.184.216.34"),
        ("https://a.b.example.org/", "*.example.org", "93.184.216.34"),
        ("https://som.example.net/", "93.184.216.0/24", "93.184.216.34"),
        ("https://inside.example.net:8443/", "10.0.0.0/8", "10.1.2.3"),
        ("https://both.example.net/", "both.example.net,10.0.0.0/8", "93.184.216.34"),
        ("https://127.0.0.1:9/", "127.0.0.0/8", "127.0.0.1"),
        ("https://[::1]:9/", "::1", "::1"),
        ("https://169.254.1.1/", "169.254.1.0/24", "169.254.1.1"),
    ],
)
def test_what_the_operator_has_named_is_allowed(callback: str, allow: str, expected: str) -> None:
    assert address(callback, allow) == expected


@pytest.mark.parametrize(
    ("callback", "allow"),
    [
        ("https://som.example.net/", ""),
        ("https://example.org/", "*.example.org"),
        ("https://inside.example.net/", ALL_NAMED),
        ("https://both.example.net/", ALL_NAMED),
        ("https://both.example.net/", "10.0.0.0/8"),
        ("https://mapped.example.net/", ALL_NAMED),
        ("https://translated.example.net/", ALL_NAMED),
        ("https://meta.example.net/", f"{ALL_NAMED},0.0.0.0/0"),
        ("https://shared.example.net/", ALL_NAMED),
        ("https://unknown.example.net/", ALL_NAMED),
        ("https://127.0.0.1/", ALL_NAMED),
        ("https://0.0.0.0/", "0.0.0.0/0"),
        ("https://[::ffff:127.0.0.1]/", "::/0"),
        (f"https://{'a' * 70}.example.net/", ALL_NAMED),
    ],
)
def test_nothing_else_is(callback: str, allow: str) -> None:
    with pytest.raises(CallbackRefused):
        address(callback, allow)


@pytest.mark.parametrize(
    "callback",
    [
        "http://som.example.net/",
        "ftp://som.example.net/",
        "https://user@som.example.net/",
        "https://user:secret@som.example.net/",
        "https://som.example.net/#part",
        "https://som.example.net:99999/",
        "https://som.example.net:port/",
        "https://[::1/",
        "https:///path",
        "som.example.net",
        "https://som.example.net/\r\nX-Header: 1",
        "https://som.example.net/a b",
        "https://som.example.net\\@inside.example.net/",
        "https://söm.example.net/",
    ],
)
def test_a_callback_that_is_no_plain_url_is_refused(callback: str) -> None:
    with pytest.raises(CallbackRefused):
        address(callback, f"{ALL_NAMED},10.0.0.0/8")


def test_the_url_connects_to_the_address_and_the_header_keeps_the_name() -> None:
    policy = CallbackPolicy("", http=True)
    target = policy.target("http://som.example.net:8080/events?x=1")
    assert target.at("2001:db8::1") == "http://[2001:db8::1]:8080/events?x=1"
    assert target.authority == "som.example.net:8080"


def test_a_malformed_network_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        CallbackPolicy("10.0.0.1/8", http=False)
