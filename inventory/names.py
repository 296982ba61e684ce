"""Names of sites and customers against what the platforms of the network can take of them."""

from collections.abc import Collection, Iterator, Mapping

import sqlalchemy as sa

from device_profiles.errors import ProfileError
from device_profiles.limits import Unfit, unfit
from device_profiles.profile import load_profile
from inventory.problems import Problem
from inventory.queries import profiles_by_role
from inventory.reading import Reading
from inventory.tables import customer, site
from inventory.writing import among

_FEW = 3


def unfit_names(connection: sa.Connection, reading: Reading) -> Iterator[Problem]:
    """Yield what some platform, of the file or of the inventory, cannot take of a file's names.

    A device that brings a platform is judged by the names that are there already.
    """
    known = {name for names in profiles_by_role(connection).values() for name in names}
    coming = {name for names in reading.file.profiles_by_role().values() for name in names}
    for entry in reading.file.sites:
        values = {"site.key": entry.key, "site.name": entry.name}
        for found in refusals(known | coming, values):
            yield _problem(reading, "sites", entry.key, found)
    for owner in reading.file.customers:
        values = {
            "customer.id": owner.id, "customer.name": owner.name, "customer.vpn": owner.vpn,
        }  # fmt: skip
        for found in refusals(known | coming, values):
            yield _problem(reading, "customers", owner.id, found)
    yield from _of_new_platforms(connection, reading, known)


def refusals(platforms: Collection[str], values: Mapping[str, str]) -> Iterator[Unfit]:
    """Yield what the platforms cannot take of the values; one finding of each value."""
    told: set[str] = set()
    for name in sorted(platforms):
        try:
            profile = load_profile(name)
        except ProfileError:  # told where it is named
            continue
        for found in unfit(profile.name, profile.limits, values):
            if found.value not in told:
                told.add(found.value)
                yield found


def names_of_sites(
    connection: sa.Connection, sites: Collection[str] | None = None
) -> dict[str, dict[str, str]]:
    """Return by site the names that templates read of it and of its customer."""
    query = sa.select(
        site.c.key, site.c.name, customer.c.id, customer.c.name, customer.c.vpn
    ).join_from(site, customer)
    if sites is not None:
        query = query.where(among(site.c.key, sites))
    names = ("site.key", "site.name", "customer.id", "customer.name", "customer.vpn")
    return {row[0]: dict(zip(names, row, strict=True)) for row in connection.execute(query)}


def _problem(reading: Reading, section: str, name: str, found: Unfit) -> Problem:
    field = found.value.partition(".")[2]
    return reading.problem(section, name, field, found.reason, found.mend)


def _of_new_platforms(
    connection: sa.Connection, reading: Reading, known: Collection[str]
) -> Iterator[Problem]:
    here = reading.places.get("sites", {})
    for entry in reading.file.devices:
        if entry.profile in known:
            continue
        there = names_of_sites(connection)
        wrong = [
            f"{found.value} of {key} {found.reason}"
            for key, values in there.items()
            if key not in here
            for found in refusals([entry.profile], values)
        ]
        if wrong:
            more = f" and {len(wrong) - _FEW} more" if len(wrong) > _FEW else ""
            text = f"cannot take names that are there: {'; '.join(wrong[:_FEW])}{more}"
            yield reading.problem("devices", entry.name, "profile", text, "rename them first")
