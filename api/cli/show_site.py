"""A site's way back, its snapshots and its drift, for people to read at any hour."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from api.cli.output import Listing, Native, heading
from api.cli.text import cell, safe

Row = Mapping[str, Any]
_STYLES = {
    "clean": "green", "VERIFIED": "green", "done": "green", "under way": "yellow",
    "INDETERMINATE": "yellow", "KEPT": "yellow", "notAsked": "yellow",
    "drift": "red", "unreachable": "red", "FAILED": "red",
    "refused": "red", "terminatedWithError": "red",
}  # fmt: skip


def verdict(word: object) -> Text:
    """Return a result in its colour."""
    return cell(word, _STYLES.get(str(word), ""))


def blocking(preview: Row) -> list[Row]:
    """Return the conflicts over which the policy would not go, each with its device."""
    return [
        {"device": row["device"], **conflict}
        for row in preview["devices"]
        for conflict in row["conflicts"]
        if conflict["blocks"]
    ]


def rollback_preview(preview: Row) -> RenderableType:
    """Return per device what would be sent, what is as wanted, and what stands in the way."""
    target = f"snapshot {preview['target']}" if preview["target"] else "before everything"
    taken = ", ".join(preview["orders"]) or "no order"
    shown: list[RenderableType] = [
        heading(f"Rollback of {preview['site']} to {target}, dry run: nothing was sent"),
        cell(f"Takes back {taken}"),
    ]
    for row in sorted(preview["devices"], key=lambda row: int(row["order"])):
        edits = f"{row['edits']} edit{'' if row['edits'] == 1 else 's'}"
        title = Text.assemble(
            f"{row['order']}. ",
            (safe(row["device"]), "bold cyan"),
            f"  {safe(row['role'])}, {edits}",
        )
        shown.append(Native(title, row["sends"], list(_remarks(row))))
    if preview["releases"]:
        rows = ((row["name"], row["value"], row["pool"]) for row in preview["releases"])
        shown += [
            Text(""),
            Listing("Goes into quarantine", ("Resource", "Value", "Of pool"), rows),
        ]
    sends = any(row["edits"] for row in preview["devices"])
    if not (sends or preview["orders"] or preview["releases"]):
        shown.append(cell("Nothing to do: the site is there already", "green"))
    shown.append(cell(f"Preview {preview['hash']}: give it with --yes to do this and nothing else"))
    return Group(*shown)


def _remarks(row: Row) -> Iterable[Text]:
    for path in row.get("already") or ():
        yield cell(f"as wanted already: {path}", "green")
    for path in row.get("kept") or ():
        yield cell(f"kept: {path}", "yellow")
    for later in row.get("later") or ():
        who = " ".join(str(later[name]) for name in ("site", "order", "time") if later.get(name))
        yield cell(f"written later by {who}, stays: {later['path']}", "yellow")
    for conflict in row["conflicts"]:
        stop = "stops it: " if conflict["blocks"] else ""
        found = "nothing" if conflict["found"] is None else repr(conflict["found"])
        expected = "nothing" if conflict["expected"] is None else repr(conflict["expected"])
        yield cell(
            f"{stop}{conflict['kind']} at {conflict['path']}: expected {expected}, found {found}",
            "red" if conflict["blocks"] else "yellow",
        )
    if row.get("note"):
        yield cell(row["note"], "yellow")
    if row.get("error"):
        yield cell(f"cannot be read: {row['error']}", "red")


def task_result(task: Row) -> RenderableType:
    """Return what became of a rollback on every device, and what was released."""
    result = task["result"]
    rows = (
        (
            row["device"], verdict(row["state"]), row["edits"], verdict(row["verdict"]),
            row["error"] or _left(row),
        )
        for row in result["devices"]
    )  # fmt: skip
    released = Counter(row["pool"] for row in result["released"])
    parts: list[RenderableType] = [
        Text(""),
        Listing(
            f"Rollback {task['id']} of {task['site']}: {task['state']}, {result['verdict']}",
            ("Device", "State", "Edits", "Read back", "Note"),
            rows,
        ),
        Text(""),
        cell(f"{sum(released.values())} resources released, quarantine {result['quarantine']}"),
    ]
    return Group(*parts)


def _left(row: Row) -> str:
    words = [("kept", row["kept"]), ("orphan, somebody outside uses it", row["orphans"])]
    return "; ".join(f"{word}: {', '.join(paths)}" for word, paths in words if paths)


def snapshots(site: str, rows: Iterable[Row]) -> Listing:
    """Return a site's snapshots."""
    headings = (
        "Snapshot", "Boundary", "Taken", "Device", "Role", "Moment", "Order", "Transaction", "Hash"
    )  # fmt: skip
    return Listing(
        f"Snapshots of {site}",
        headings,
        (
            (
                row["snapshot"], "yes" if row["boundary"] else "", row["time"][:19] + "Z",
                row["device"], row["role"],
                row["moment"], row["order"] or "", (row["transaction"] or "")[:8], row["hash"][:12],
            )
            for row in rows
        ),
    )  # fmt: skip


def comparison(found: Row) -> RenderableType:
    """Return what differs between two snapshots, or one and the devices now."""
    second = "the devices now" if found["b"] == "live" else f"snapshot {found['b']}"
    title = f"{found['site']}: snapshot {found['a']} against {second}"
    rows = [
        (device["device"], row["kind"], row["path"], _value(row["a"]), _value(row["b"]))
        for device in found["devices"]
        for row in device["differences"]
    ]
    faults = [
        cell(f"{device['device']} cannot be read: {device['error']}", "red")
        for device in found["devices"]
        if device.get("error")
    ]
    if not rows:
        return Group(heading(title), *faults, cell("No difference", "green"))
    return Group(
        *faults,
        Listing(title, ("Device", "What", "Path", f"In {found['a']}", f"In {found['b']}"), rows),
    )


def _value(value: str | None) -> str:
    return "-" if value is None else value or "(there)"


def drift_report(report: Row) -> RenderableType:
    """Return by site what devices hold otherwise than they should."""
    rows = [
        (site["site"], device["device"], verdict(device["result"]), device.get("error", ""))
        for site in report["sites"]
        for device in site["devices"]
    ]
    parts: list[RenderableType] = [
        Listing("Sites on devices", ("Site", "Device", "Result", "Note"), rows)
    ]
    differing = [
        (
            site["site"], device["device"], row["kind"], row["path"],
            _value(row["expected"]), _value(row["found"]),
        )
        for site in report["sites"]
        for device in site["devices"]
        for row in device["differences"]
    ]  # fmt: skip
    if differing:
        headings = ("Site", "Device", "What", "Path", "Expected", "Found")
        parts += [Text(""), Listing("Drift", headings, differing)]
    return Group(*parts)


def repair_preview(preview: Row) -> RenderableType:
    """Return what repairing a site would send to each device."""
    shown: list[RenderableType] = [
        heading(f"Repair of {preview['site']}, dry run: nothing was sent")
    ]
    for row in preview["devices"]:
        remarks = [
            cell(
                f"{found['kind']}: {found['path']}: expected {_value(found['expected'])}, "
                f"found {_value(found['found'])}",
                "yellow",
            )
            for found in row.get("differences", ())
        ]
        remarks += [
            cell(f"kept on purpose by {kept['task']}, would be overwritten: {kept['path']}", "red")
            for kept in row.get("kept", ())
        ]
        remarks += [
            cell(f"somebody else has set this; to replace it needs --reason: {path}", "red")
            for path in row.get("overwrites", ())
        ]
        if row.get("error"):
            remarks.append(cell(row["error"], "red"))
        title = Text.assemble((safe(row["device"]), "bold cyan"), f"  {row['edits']} edits")
        shown.append(Native(title, row["sends"], remarks))
    return Group(*shown)
