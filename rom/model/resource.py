"""What TMF639 v4 (ITU-T X.731) says of inventory's states and kinds of resource.

Free and allocated things are locked, a resource is ``standby`` while its site is being activated
and ``available``, ``active``, ``unlocked`` in use.
"""

from typing import NamedTuple

from inventory.kinds import KINDS

PHYSICAL_KINDS = frozenset(name for name, kind in KINDS.items() if kind.physical)


class Status(NamedTuple):
    """The four status attributes of a resource."""

    resource: str
    usage: str
    administrative: str
    operational: str = "enable"


_FREE = Status("available", "idle", "locked")
STATUS = {
    "available": _FREE,
    "reserved": Status("reserved", "idle", "locked"),
    "standby": Status("standby", "idle", "locked"),
    "in-use": Status("available", "active", "unlocked"),
    "used-elsewhere": Status("available", "active", "unlocked"),
    "quarantined": Status("suspended", "idle", "locked"),
    "retired": Status("unknown", "idle", "locked", "disable"),
}


def words(attribute: str) -> dict[str, str]:
    """Return by inventory's state what a status attribute of TMF639 says."""
    fields = {
        "resourceStatus": "resource",
        "usageState": "usage",
        "administrativeState": "administrative",
        "operationalState": "operational",
    }
    return {state: getattr(status, fields[attribute]) for state, status in STATUS.items()}
