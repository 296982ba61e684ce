import pytest

from rom.events.query import parse_query
from rom.model.errors import BadQuery
from rom.model.event_types import Api

EVENT = {
    "eventId": "e1",
    "eventTime": "2026-11-21T10:00:00.000Z",
    "eventType": "ResourceOrderStateChangeEvent",
    "priority": 2,
    "event": {
        "resourceOrder": {
            "id": "RO-1",
            "state": "completed",
            "orderItem": [
                {"id": "1", "state": "completed"},
                {"id": "2", "state": "failed", "isLast": True},
            ],
        }
    },
}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", True),
        ("eventType=ResourceOrderStateChangeEvent", True),
        ("?eventType=ResourceOrderCreateEvent,ResourceOrderStateChangeEvent", True),
        ("eventType=ResourceOrderCreateEvent", False),
        ("event.resourceOrder.state=completed", True),
        ("event.resourceOrder.state=completed&eventType=ResourceOrderCreateEvent", False),
        ("event.resourceOrder.state=held&event.resourceOrder.state=completed", True),
        ("event.resourceOrder.orderItem.state=failed", True),
        ("event.resourceOrder.orderItem.state=held", False),
        ("event.resourceOrder.orderItem.isLast=true", True),
        ("event.resourceOrder.id=%22RO-1%22", True),
        ("event.resourceOrder.colour=red", False),
        ("priority=2", True),
    ],
)
def test_a_query_narrows_down_by_type_and_by_paths(query: str, *, wanted: bool) -> None:
    assert parse_query(Api.ORDERING, query).matches(EVENT) is wanted


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("eventType=NoSuchEvent", "eventType=NoSuchEvent"),
        ("eventType=ResourceCreateEvent", "eventType=ResourceCreateEvent"),
        ("eventType=", "eventType="),
        ("eventType", "eventType"),
        ("state=completed", "state=completed"),
        ("event.resource.id=1", "event.resource.id=1"),
        ("event..id=1", "event..id=1"),
        ("fields=colour", "fields=colour"),
    ],
)
def test_a_query_that_is_not_understood_is_refused_by_the_part_at_fault(
    query: str, part: str
) -> None:
    with pytest.raises(BadQuery) as refused:
        parse_query(Api.ORDERING, f"event.resourceOrder.id=RO-1&{query}")
    assert refused.value.part == part


def test_fields_keeps_what_is_named_and_what_a_receiver_needs_anyway() -> None:
    query = "fields=event.resourceOrder.id,event.resourceOrder.orderItem.state"
    assert parse_query(Api.ORDERING, query).select(EVENT) == {
        "eventId": "e1",
        "eventTime": "2026-11-21T10:00:00.000Z",
        "eventType": "ResourceOrderStateChangeEvent",
        "event": {
            "resourceOrder": {
                "id": "RO-1",
                "orderItem": [{"state": "completed"}, {"state": "failed"}],
            }
        },
    }


def test_without_fields_a_notification_stays_whole() -> None:
    assert parse_query(Api.ORDERING, "eventType=ResourceOrderCreateEvent").select(EVENT) is EVENT
