"""What a site wants on a device once one order's items are taken away from it."""

from collections.abc import Mapping
from typing import Any

import pytest

from device_profiles.fragment import Fragment
from rom.model.order import Action, Item
from rom.undo.compensation import without

ADD, MODIFY, DELETE, NONE = Action.ADD, Action.MODIFY, Action.DELETE, Action.NO_CHANGE


def items(**actions: Action) -> list[Item]:
    found = []
    for key, action in actions.items():
        values: dict[str, Any] = dict.fromkeys(Item.__dataclass_fields__)
        found.append(Item(**{**values, "key": key, "action": action}))
    return found


def fragments(**values: str) -> dict[str, Fragment]:
    return {key: Fragment({(key,): value}) for key, value in values.items()}


@pytest.mark.parametrize(
    ("actions", "now", "before", "then"),
    [
        # An add goes and takes nothing with it, whatever was there before.
        ({"vlan": ADD}, {"line": "1", "vlan": "2"}, {}, {"line": "1"}),
        ({"vlan": ADD}, {"line": "1", "vlan": "2"}, {"vlan": "0"}, {"line": "1"}),
        # Without a modify, what others have changed since stays as it is.
        ({"vlan": ADD}, {"line": "2", "vlan": "2"}, {"line": "1"}, {"line": "2"}),
        ({"sla": DELETE}, {"line": "2"}, {"line": "1", "sla": "1"}, {"line": "2", "sla": "1"}),
        # A modify goes back, and with it what it has rendered anew of other keys.
        ({"rate": MODIFY}, {"rate": "2"}, {"rate": "1"}, {"rate": "1"}),
        (
            {"rate": MODIFY},
            {"line": "2", "rate": "2", "new": "1"},
            {"line": "1", "rate": "1"},
            {"line": "1", "rate": "1", "new": "1"},
        ),
        # What came to the device by the modify goes; where nothing is known it stays.
        ({"rate": MODIFY}, {"line": "1", "rate": "2"}, {"line": "1"}, {"line": "1"}),
        ({"rate": MODIFY}, {"rate": "2"}, {}, {"rate": "2"}),
        (
            {"rate": MODIFY},
            {"rate": "2", "line": "2", "new": "1"},
            {"line": "1"},
            {"line": "1", "new": "1"},
        ),
        # What was deleted comes back, unless somebody has brought it back already.
        ({"sla": DELETE}, {}, {"sla": "1"}, {"sla": "1"}),
        ({"sla": DELETE}, {"sla": "2"}, {"sla": "1"}, {"sla": "2"}),
        ({"sla": DELETE}, {}, {"sla": "1", "gone": "1"}, {"sla": "1"}),
        # All of it in one order.
        (
            {"vlan": ADD, "rate": MODIFY, "sla": DELETE},
            {"line": "2", "vlan": "1", "rate": "2"},
            {"line": "1", "rate": "1", "sla": "1"},
            {"line": "1", "rate": "1", "sla": "1"},
        ),
        # No change is none.
        ({"rate": NONE}, {"rate": "2", "line": "2"}, {"rate": "1"}, {"rate": "2", "line": "2"}),
        ({"rate": MODIFY, "line": NONE}, {"rate": "2", "line": "2"}, {"rate": "1", "line": "1"},
         {"rate": "1", "line": "2"}),
    ],
)  # fmt: skip
def test_what_is_wanted_without_some_items_is_what_was_wanted_before_them(
    actions: Mapping[str, Action],
    now: Mapping[str, str],
    before: Mapping[str, str],
    then: Mapping[str, str],
) -> None:
    found = without(items(**actions), fragments(**now), fragments(**before))
    assert found == fragments(**then)


def test_the_order_of_what_stays_is_kept_and_what_comes_back_comes_last() -> None:
    now, before = fragments(b="1", a="1", x="1"), fragments(d="1", c="1")
    found = without(items(x=ADD, d=DELETE, c=DELETE), now, before)
    assert list(found) == ["b", "a", "d", "c"]
