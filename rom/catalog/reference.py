"""The reference of inventory files, written from the models that read them.

``docs/inventory-format.md`` is this text; a test keeps the two equal.
"""

from collections.abc import Iterable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from inventory import file_model as model
from inventory.file_values import Attributes, Key, Rate, Text, TimeZone, Values
from inventory.kinds import KINDS, Attribute, Duration, Kind
from rom.catalog.roles import Role, load_roles

_HEAD = """# Inventory files

An inventory file is YAML. `rom inventory load FILE` brings it into a gateway: all of it or nothing,
and the same file twice changes nothing. What a file does not name stays as it is, so files add up.
Every mistake is told with its line, field and mend; `--dry-run` tells what would come, change and
go. `inventory/examples/enterprise-fibre.yaml` is a whole example.

This page is written by `rom inventory format` from the models that read the files.

## What values look like

| word | means |
|---|---|
| name | letters, digits and `. _ : -`, at most 100 |
| text | one line, at most 200 characters |
| values | one value or a list of them; `2100-2199` is a range with both ends |
| rate | bit/s as a number, or with k, M or G, such as `1.1G` |
| time | a number with s, min, h or d, such as `24h` |
| mapping | names with any values; templates read them |
"""
_WORDS: tuple[tuple[Any, str], ...] = (
    (Key, "name"),
    (Text, "text"),
    (Values, "values"),
    (Rate, "rate"),
    (Duration, "time"),
    (Attributes, "mapping"),
    (TimeZone, "time zone"),
    (str, "text"),
    (int, "whole number"),
    (float, "number"),
    (bool, "true or false"),
)
_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The file", model.InventoryFile),
    ("network", model.NetworkEntry),
    ("network.snmp", model.SnmpEntry),
    ("customers", model.CustomerEntry),
    ("sites", model.SiteEntry),
    ("devices", model.DeviceEntry),
    ("devices.endpoint", model.EndpointEntry),
    ("pools", model.PoolEntry),
    ("pools.items", model.Item),
    ("pools.used and pools.retired", model.Marking),
    ("pools.earmarks", model.Earmark),
)


def inventory_reference() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    parts += [_section(title, entry) for title, entry in _SECTIONS]
    parts.append(_roles())
    parts.append(_kinds())
    return "\n".join(parts)


def _section(title: str, entry: type[BaseModel]) -> str:
    hints = get_type_hints(entry, include_extras=True)
    rows = (
        (
            f"`{name}`",
            _words(hints[name]),
            "yes" if field.is_required() else "",
            _plain(field.description or ""),
        )
        for name, field in entry.model_fields.items()
    )
    text = _plain(entry.__doc__ or "")
    return f"## {title}\n\n{text}\n\n{_table(('field', 'is', 'needed', 'says'), rows)}"


def _roles() -> str:
    rows = [(f"`{role.role}`", role.title, _found(role)) for role in load_roles().roles]
    return (
        "## Roles\n\nThe roles that sites have use for, in order of activation. A "
        "profile says which of them its platform is for. In another role a device may only be the "
        "partner of one.\n\n" + _table(("role", "what it is", "found by"), rows)
    )


def _found(role: Role) -> str:
    if role.named_by is not None:
        name, _, attribute = role.named_by.partition(".")
        return f"attribute `{attribute}` of the site's `{name}`"
    if role.partner_of is not None:
        return f"`partners.{role.role}` of the device with role `{role.partner_of}`"
    return f"the site's `{role.unit}`; `network.cpe_profiles` says its profile by model and role"


def _kinds() -> str:
    rows = ((f"`{kind.kind}`", kind.title, _holds(kind), _rest(kind)) for kind in KINDS.values())
    carried = (
        (
            f"`{kind.kind}`",
            f"`{name}`",
            _carried(attribute),
            "yes" if attribute.required else "",
            attribute.says,
        )
        for kind in KINDS.values()
        for name, attribute in kind.carries.items()
    )
    given = (
        (f"`{kind.kind}`", f"`{name}`", what)
        for kind in KINDS.values()
        for name, what in kind.gives.items()
    )
    return "\n".join(
        (
            "## Kinds of resources\n\nA kind that is not here may be used too, when the file names "
            "it in `new_kinds`: its values are texts, unique in their pool, and free again at "
            "once. An entry in "
            "`inventory/kinds.yaml` makes it more than that.\n",
            _table(("kind", "what it is", "holds", "rules"), rows),
            "### What entries or pools say of themselves\n",
            _table(("kind", "attribute", "is", "needed", "says"), carried),
            "### What is made of a prefix\n\nTemplates read these of a site's prefix; "
            "`host 1` is its first address after the network's own. `usable 1` is the same, but on "
            "a link of two addresses (/31 of RFC 3021, /127 of RFC 6164) the network's own, "
            "because both are usable there.\n",
            _table(("kind", "attribute", "is"), given),
        )
    )


def _holds(kind: Kind) -> str:
    if kind.range is not None:
        return f"numbers from {kind.range[0]} to {kind.range[1]}"
    if kind.longest is not None:
        return f"{_family(kind)}, at longest /{kind.longest}"
    return {"prefix": _family(kind), "text": "texts", "number": "numbers"}[kind.holds]


def _family(kind: Kind) -> str:
    return "prefixes" if kind.family is None else f"IPv{kind.family} prefixes"


def _carried(attribute: Attribute) -> str:
    if attribute.one_of:
        return ", ".join(f"`{word}`" for word in attribute.one_of)
    return {
        "text": "text",
        "number": "whole number",
        "device": f"device of role `{attribute.role}`",
        "site": "site",
        "l2-domain": "`l2_domain` of a line",
        "cpe-model": "model in `network.cpe_profiles`",
    }[attribute.holds]


def _rest(kind: Kind) -> str:
    found = []
    if kind.scope:
        names = " and ".join(f"`{name}`" for name in kind.scope)
        found.append(f"unique by its pool's {names}")
    if kind.quarantine:
        hours = int(kind.quarantine.total_seconds()) // 3600
        found.append(f"rests {hours} h" if hours <= 24 else f"rests {hours // 24} days")
    if kind.shared:
        found.append("several sites hold one")
    if kind.physical:
        found.append("a physical resource")
    return "; ".join(found)


def _words(hint: Any) -> str:
    """Return what a type is called on the page."""
    for known, words in _WORDS:
        if hint == known:
            return words
    origin, arguments = get_origin(hint), [a for a in get_args(hint) if a is not NoneType]
    if origin is Annotated:
        return _words(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(_words(argument) for argument in arguments)
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        return f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"{_words(arguments[1])} by {_words(arguments[0])}"
    titles = [title for title, entry in _SECTIONS if entry is hint]
    return f"entries as in [{titles[0]}](#{_anchor(titles[0])})"


def _anchor(title: str) -> str:
    return title.lower().replace(".", "").replace(" ", "-")


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(_lines(head, rows)) + "\n"


def _lines(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
