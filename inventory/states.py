"""The lives of what inventory has: a thing, and a site's hold on it."""

from device_profiles.words import Word


class ResourceState(Word):
    """What a thing in a pool is."""

    AVAILABLE = "available"
    ALLOCATED = "allocated"
    USED_ELSEWHERE = "used-elsewhere"  # by somebody whom the gateway does not serve
    QUARANTINED = "quarantined"
    RETIRED = "retired"


class HoldingState(Word):
    """How far a site is with what it holds."""

    RESERVED = "reserved"
    STANDBY = "standby"  # on its devices, not proven yet
    IN_USE = "in-use"
