"""The devices as the gateway knows them, without asking any."""

import re

from inventory import queries
from inventory.records import EndpointData
from rom.answers.devices import DeviceEndpoint, DeviceLine, LastTransaction
from rom.model.transaction import DeviceTransaction
from rom.store import change_list, intents, transactions
from rom.store.database import Connection


def overview(connection: Connection) -> tuple[DeviceLine, ...]:
    """Return inventory's devices, and the routers of sites, by name."""
    ways = queries.endpoints(connection)
    records = {record.name: record for record in queries.devices(connection)}
    roles = intents.roles(connection)
    sites = intents.sites_by_device(connection)
    waiting = change_list.unsettled_by_device(connection)
    latest = {last.device: last for last in transactions.last_of_devices(connection)}
    lines = []
    for name in sorted({*records, *sites}):
        record, way, last = records.get(name), ways.get(name), latest.get(name)
        lines.append(
            DeviceLine(
                device=name,
                role=record.role if record else roles[name],
                profile=record.profile if record else None,
                attributes=dict(record.attributes) if record else {},
                endpoint=_endpoint(way) if record and way else None,
                sites=tuple(sites.get(name, ())),
                waiting=waiting.get(name, 0),
                last_transaction=last and _last(last),
            )
        )
    return tuple(lines)


def _last(last: DeviceTransaction) -> LastTransaction:
    return LastTransaction(
        id=last.id,
        kind="+".join(sorted(last.kinds)),
        state=last.state,
        time=last.started_at.isoformat(),
    )


def _endpoint(way: EndpointData) -> DeviceEndpoint:
    """Return where a device is and how to know it. The gateway's login to it stays here."""
    return DeviceEndpoint(
        host=way.host,
        port=way.port,
        host_key=way.host_key,
        options={name: _without_login(value) for name, value in way.options.items()},
    )


def _without_login(value: str) -> str:
    """Return a URL without its user, password and query; other text as it is."""
    return re.sub(r"//.*@", "//", value.partition("?")[0]) if "//" in value else value
