"""Values that nobody should send, and documents with such a value somewhere in them."""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

EVIL = "evil6661"
"""Stands in what is to be no command and no element anywhere."""
COMMANDS = (f"interface Loopback-{EVIL}", f"hostname {EVIL}", f"no shutdown {EVIL}")
TEXTS = (
    "", " ", "\t", "a" * 300, "a" * 70_000, "\0", "\n", "\r\n", "\x1b[31m", "\x7f", "\x85",
    "\u2028", "\u202e", "\ufeff", "\ud800", "\U0010ffff", "é", "日本", "?", "!", "|", ";",
    "`id`", "$(id)",
    "' OR '1'='1", '"; DROP TABLE site; --', "%s%n", "{{ 7 * 7 }}", "{% raw %}", "../../etc/passwd",
    "secret:device/OLT-SOUTH-03", "file:///etc/passwd", "http://169.254.169.254/", "javascript:1",
    f"x\n{COMMANDS[0]}", f"x\r{COMMANDS[1]}", f"x ! {COMMANDS[0]}", f"x\u2028{COMMANDS[1]}",
    f"]]>]]><{EVIL}/>", f"</name><{EVIL}>", f"x</description><{EVIL}/><description>",
    "<!DOCTYPE a>", "&lol;", "<![CDATA[x]]>", f"x'] | //{EVIL}", "true", "null", "NaN", "-0",
    "1e999", "0x10", "\u0663",
    "10M", "2.5G", "2026-02-30T25:61:61Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**400, 0.1, -1e308, 5e-324, [], {}, [[]],
    [None], {"": ""}, {"@type": "x"}, {"$ref": "#"}, {"a": {"b": {"c": {"d": {}}}}}, ["a"] * 5000,
)  # fmt: skip
DEEP: Any = None
for _ in range(40):
    DEEP = [DEEP]


def value(random: Random) -> Any:
    """Return a text more often than anything else, and sometimes one made of two."""
    drawn = random.random()
    if drawn < 0.5:
        return random.choice(TEXTS)
    if drawn < 0.65:
        return random.choice(TEXTS) + random.choice(TEXTS)
    return copy.deepcopy(DEEP if drawn > 0.98 else random.choice(OTHERS))


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document, its own included."""
    yield path
    inner: Any = ()
    if isinstance(document, dict):
        inner = document.items()
    elif isinstance(document, list):
        inner = enumerate(document)
    for name, member in inner:
        yield from places(member, (*path, name))


def mutated(document: Any, random: Random) -> Any:
    """Return a copy with one to three places replaced, renamed, doubled, added or removed."""
    result = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        chosen = random.choice(list(places(result)))
        if not chosen:
            if random.random() < 0.1:
                return value(random)
            continue
        *way, name = chosen
        parent = result
        for step in way:
            parent = parent[step]
        _change(parent, name, random)
    return result


def _change(parent: Any, name: Any, random: Random) -> None:
    kind = random.random()
    if kind < 0.7:
        parent[name] = value(random)
    elif kind < 0.8:
        del parent[name]
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(parent[name]))
    elif kind < 0.9:
        parent[random.choice(TEXTS)] = value(random)
    else:
        parent[random.choice(TEXTS)] = parent.pop(name)
