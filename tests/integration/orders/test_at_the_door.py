"""What could not be carried out is refused when it is ordered, with the field and the mend."""

from typing import Any

import pytest
import sqlalchemy as sa

from inventory.tables import customer, site
from rom.model.errors import OrderRefused

SITE = "ENT-1102-MELB"


def rename(north: Any, column: sa.Column[Any], name: str) -> None:
    with north.rom.engine.begin() as connection:
        connection.execute(sa.update(column.table).values({column.name: name}))


@pytest.mark.parametrize(
    ("column", "name", "reason", "mend"),
    [
        (customer.c.name, "x" * 81, "customer.name of site ENT-1102-MELB has 81 characters",
         "use at most 80"),
        (customer.c.name, "Société", "has 'é', and iosxe-ce makes it its", "use what matches"),
        (site.c.name, "Head office?", "site.name of site ENT-1102-MELB has '?'", "use what"),
        (customer.c.vpn, "v" * 65, "has 65 characters, and sros-bng makes it its service-name",
         "use at most 64"),
    ],
)  # fmt: skip
def test_a_name_that_a_platform_cannot_take_is_refused_before_anything_is_written(
    north: Any, pilot: Any, column: sa.Column[Any], name: str, reason: str, mend: str
) -> None:
    rename(north, column, name)
    with pytest.raises(OrderRefused) as refused:
        north.intake.take(pilot)
    assert refused.value.field == "orderItem[0].resource.place"
    assert reason in refused.value.reason
    assert mend in refused.value.mend
    assert north.rows("SELECT 1 FROM resource_order") == []


def test_a_router_without_the_rate_it_shapes_to_is_refused(
    north: Any, pilot: Any, only: Any
) -> None:
    order = only(pilot, "ROI-001", "ROI-002", "ROI-003", "ROI-006")
    with pytest.raises(OrderRefused, match="RFS:CE-Router needs a qos at site") as refused:
        north.intake.take(order)
    assert refused.value.field == "orderItem[3].resourceSpecification"
    assert "order the qos with it" in refused.value.mend
