"""TMF634 notifications, written in the transaction that changes the catalog.

A specification, with all its versions, is a stream of its own. Files that are shipped are told of
by nobody: they change with the software.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from rom.model.dates import date_text
from rom.model.event_types import SpecificationEventType
from rom.store.database import Connection
from rom.store.outbox import emit

_HAPPENED = {
    SpecificationEventType.CREATE: "is created",
    SpecificationEventType.CHANGE: "has changed",
    SpecificationEventType.DELETE: "is withdrawn",
}


def tell(
    connection: Connection, event_type: SpecificationEventType, document: Mapping[str, Any]
) -> None:
    """Emit one of TMF634's events; ``document`` is the specification as ``GET`` shows it.

    The caller holds the lock on the catalog's changes, so a specification's events keep their
    order.
    """
    now = date_text(datetime.now(UTC))
    event = {
        "eventId": str(uuid4()),
        "eventTime": now,
        "eventType": event_type,
        "domain": "resourceCatalog",
        "title": f"{document['id']} {document['version']} {_HAPPENED[event_type]}",
        "timeOcurred": now,  # one r, as TMF634 v4.1 spells it
        "event": {"resourceSpecification": dict(document)},
    }
    emit(connection, document["id"], event)
