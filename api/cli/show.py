"""What an order got, sent and measured, for people to read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from api.cli.output import Listing, Native, heading
from api.cli.text import cell, safe

Row = Mapping[str, Any]
STATE_STYLES = {
    "completed": "green", "inProgress": "yellow", "held": "magenta", "pending": "magenta",
    "failed": "red", "rejected": "red", "cancelled": "red", "partial": "red",
}  # fmt: skip
GOOD_VERDICTS = frozenset({"pass", "VERIFIED"})
_BESIDE = {
    "ont": "ONT {}", "onu-id": "onu-id {}", "alloc-id": "alloc-id {}", "gemport": "gemport {}",
    "ipv6-prefix": "{}", "ipv6-delegated": "delegated {}", "lan-prefix": "LAN {}",
    "loopback": "loopback {}", "access-bandwidth": "access {}", "sap-bandwidth": "BNG {}",
    "twamp-port": "UDP port {}",
}  # fmt: skip
"""How a resource is called that an item holds besides the one it is named after."""
_BIT_RATES = frozenset({"access-bandwidth", "sap-bandwidth"})


def state_cell(state: object) -> Text:
    """Return a state in its colour."""
    return cell(state, STATE_STYLES.get(str(state), ""))


def allocations(report: Row, resources: Iterable[Row] = ()) -> Listing:
    """Return which resource every item got, and with TMF639 ``resources`` all it holds besides."""
    beside = _beside(resources)
    return Listing(
        "Allocated resources",
        ("Site", "Item", "Specification", "Resource", "Type", "Value", "With"),
        (
            (row["site"], row["item"], row["specification"], row["resource"], row["type"],
             cell(row["value"], "bold"),
             beside.get((report["order"]["id"], row["item"]), ""))
            for row in report["allocations"]
        ),
    )  # fmt: skip


def _beside(resources: Iterable[Row]) -> dict[tuple[str, str], str]:
    names: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    order = {kind: place for place, kind in enumerate(_BESIDE)}
    known = [resource for resource in resources if resource.get("category") in order]
    for resource in sorted(known, key=lambda found: order[found["category"]]):
        value = str(resource["name"])
        if resource["category"] in _BIT_RATES and value.isdecimal():
            value = f"{int(value) / 1e6:g} Mbit/s"
        for holder in resource["resourceOrderItem"]:
            owner = (holder["resourceOrderId"], holder["itemId"])
            names[owner].append(_BESIDE[resource["category"]].format(value))
    return {owner: ", ".join(words) for owner, words in names.items()}


def transactions(report: Row) -> RenderableType:
    """Return what was sent to every device, in its own format."""
    shown: list[RenderableType] = [heading("Sent to the devices, in this order, secrets masked")]
    for row in report["transactions"]:
        seconds = "" if row.get("seconds") is None else f" in {row['seconds']:.2f} s"
        words = (row["role"], _edits(row), f"{row['state']}{seconds}", ", ".join(row["sites"]))
        title = Text.assemble((safe(row["device"]), "bold cyan"), cell(f"  {' · '.join(words)}"))
        remarks = [cell(row["error"], "red")] if row.get("error") else []
        shown.append(Native(title, row["sent"], remarks))
    return Group(*shown)


def _edits(row: Row) -> str:
    return f"{row['edits']} edit{'' if row['edits'] == 1 else 's'}"


def measurements(report: Row) -> Listing:
    """Return the measured test packets against the limits sold."""
    return Listing(
        "Measured by TWAMP",
        ("Probe", "What", "Measured", "Limit", "Verdict"),
        (line for row in report["measurements"] for line in _measured(row)),
    )


def _measured(row: Row) -> Iterable[Sequence[object]]:
    limits, rtt = row["limits"], row["rtt_ms"]
    verdict = cell(row["verdict"], "bold green" if row["verdict"] in GOOD_VERDICTS else "bold red")
    yield row["probe"], "packets sent / lost", f"{row['sent']} / {row['lost']}", "", verdict
    yield (
        "", "packet loss %",
        f"{_number(row['loss_percent'])} (at most {_number(row['loss_upper_bound_percent'])}"
        " with 95 % confidence)",
        _number(limits.get("loss_percent")), "",
    )  # fmt: skip
    times = " / ".join(_number(rtt[name]) for name in ("p50", "p95", "max"))
    yield "", "round trip ms p50 / p95 / max", times, _number(limits.get("latency_ms")), ""
    yield (
        "", "availability %", _availability(row),
        _number(limits.get("availability_percent")), "",
    )  # fmt: skip
    for reason in row.get("reasons") or ():
        yield "", "", cell(reason, "red"), "", ""


def _availability(row: Row) -> str:
    """Return the share of available seconds (ITU-T Y.1540) where it is known."""
    lost, seconds = row.get("unavailable_seconds"), row.get("seconds")
    if lost is None or not seconds:
        return "left to monitoring from here on"
    return f"{_number(100 * (1 - lost / seconds))} in this test, left to monitoring from here on"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def second_run(answer: Row) -> Listing:
    """Return what a second run of the same intent did."""
    return Listing(
        f"Second run of {safe(answer['site'])}",
        ("Device", "Edits", "Outcome"),
        ((row["device"], row["edits"], _outcome(row)) for row in answer["devices"]),
    )


def _outcome(row: Row) -> Text:
    if row.get("error"):
        return cell(f"refused: {row['error']}", "red")
    if row["edits"]:
        return cell(f"sent in transaction {row.get('transaction')}", "red")
    return cell("holds it already, nothing sent", "green")


def rollback(preview: Row) -> RenderableType:
    """Return what taking the site back would send and release."""
    shown: list[RenderableType] = [
        heading(f"Rollback of {preview['site']}, dry run: nothing was sent")
    ]
    for row in sorted(preview["devices"], key=lambda row: int(row["order"])):
        title = Text.assemble(
            f"{row['order']}. ", (safe(row["device"]), "bold cyan"), cell(f"  {_edits(row)}")
        )
        shown.append(Native(title, row["sends"], list(_remarks(row))))
    shown.append(Text(""))
    shown.append(
        Listing(
            "Would be released",
            ("Resource", "Value", "Back to pool"),
            ((row["name"], row["value"], row["pool"]) for row in preview["releases"]),
        )
    )
    return Group(*shown)


def _remarks(row: Row) -> Iterable[Text]:
    for word, style in (("already", "green"), ("kept", "yellow")):
        for path in row.get(word) or ():
            yield cell(f"{'already as before' if word == 'already' else 'kept'}: {path}", style)
    for later in row.get("later") or ():
        yield cell(f"stays, {later.get('site')} wrote it later: {later['path']}", "yellow")
    for conflict in row["conflicts"]:
        yield cell(
            f"conflict: {conflict['kind']} {conflict['path']}: expected {conflict['expected']}, "
            f"found {conflict['found']}",
            "red",
        )
    if row.get("note"):
        yield cell(row["note"], "yellow")
    if row.get("error"):
        yield cell(f"cannot be read: {row['error']}", "red")


def whole_report(console: Console, report: Row, resources: Iterable[Row] = ()) -> None:
    """Print everything known of an order."""
    console.print(items(report))
    outcome(console, report, resources)


def outcome(console: Console, report: Row, resources: Iterable[Row] = ()) -> None:
    """Print what an order got, sent and measured."""
    if report["allocations"]:
        console.print()
        console.print(allocations(report, resources))
    if report["transactions"]:
        console.print(transactions(report))
    for device in report.get("unchanged") or ():
        console.print(cell(f"{device}: held all of it already, nothing was sent"))
    for row in report.get("back_outs") or ():
        console.print(cell(f"{row['item']} went back: refused by {row['refused']}"))
        for device in row["devices"]:
            console.print(cell(f"  {device['device']}: {device['error'] or device['verdict']}"))
    if report["measurements"]:
        console.print()
        console.print(measurements(report))


def items(report: Row) -> Listing:
    """Return every item with its state, its last step and what holds it up."""
    last = {step["item"]: step for step in report["steps"]}
    order = report["order"]
    return Listing(
        f"Order {order['id']}: {order['state']}",
        ("Item", "Specification", "State", "Last step", "Note"),
        (
            (item["id"], specification(item), state_cell(item["state"]),
             (last.get(item["id"]) or {}).get("step", ""), note(item, last.get(item["id"])))
            for item in order["orderItem"]
        ),
    )  # fmt: skip


def specification(item: Row) -> str:
    """Return the name of what an item orders."""
    found = item.get("resourceSpecification") or item["resource"].get("resourceSpecification") or {}
    return str(found.get("name") or found.get("id") or "")


def note(item: Row, step: Row | None) -> str:
    """Return why an item is where it is; what once held a completed one up is history."""
    if step is not None and step.get("note"):
        return str(step["note"])
    notes = item.get("note") or ()
    return str(notes[-1]["text"]) if notes and item["state"] != "completed" else ""


def sites(report: Row) -> list[str]:
    """Return the sites an order names, in its order."""
    places = (item["resource"]["place"]["id"] for item in report["order"]["orderItem"])
    return list(dict.fromkeys(places))
