"""What a delete gives back can be had again."""

import copy
from typing import Any

SITE = "ENT-1102-MELB"


def test_a_router_that_a_delete_has_freed_is_refused_until_it_is_booked_again(
    north: Any, pilot: Any
) -> None:
    north.post(pilot)
    north.rom.run(SITE)
    assert north.row("SELECT state FROM ztp_ticket").state == "staged"
    north.rom.do("UPDATE ztp_ticket SET state = 'closed'")
    north.rom.do("UPDATE change SET state = 'done', finished_at = now()")
    north.rom.do("UPDATE order_item SET state = 'completed', step = 'done', in_force = true")
    north.rom.do("UPDATE resource_order SET state = 'completed'")
    gone = copy.deepcopy(pilot)
    for item in gone["orderItem"]:
        item["action"] = "delete"
        item.pop("orderItemRelationship", None)
    north.post(gone)
    for _ in gone["orderItem"]:  # what others need goes after them
        north.rom.run(SITE)
        north.rom.do("UPDATE change SET state = 'done', finished_at = now()")
    assert not north.rows("SELECT 1 FROM ztp_ticket")
