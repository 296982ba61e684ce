"""Which fragments have been agreed: those with a golden file, whatever else a platform has."""

from pathlib import Path

from device_profiles.profile import Profile

GOLDEN = Path(__file__).parent / "data" / "golden"
ROOT = Path(__file__).parents[1]
OF_THE_SERVICE = ("gpon-bearer", "p2p-ethernet-bearer", "vlan-service", "ip-profile", "qos-policy",
                  "sla-monitoring", "ce-router")  # fmt: skip
SPECIFICATIONS = [
    ROOT / "rom" / "catalog" / "specifications" / f"{name}.yaml" for name in OF_THE_SERVICE
]
"""The specifications that the example's orders are made of."""


def agreed_fragments(profile: Profile, site: str) -> list[str]:
    """Return the profile's fragments that an example site has, in the profile's order.

    A fragment of a product that somebody adds reads what the example sites have never ordered.
    """
    return [
        fragment
        for fragment in profile.fragments
        if (GOLDEN / profile.name / f"{fragment}-{site}.txt").is_file()
    ]


def all_agreed() -> set[str]:
    """Return the fragments that have been agreed on any platform."""
    files = GOLDEN.glob("*/*-ENT-1102-*.txt")
    return {file.stem.partition("-ENT-1102-")[0] for file in files}
