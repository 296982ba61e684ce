"""Compares a profile with the modules of its platform."""

from device_profiles.profile import Profile
from device_profiles.yang import yang_model
from device_profiles.yang_modules.differences import (
    Difference,
    unknown_paths,
    wrong_entries,
    wrong_uses,
)
from device_profiles.yang_modules.part import part
from device_profiles.yang_modules.schema import Schema
from device_profiles.yang_modules.uses import uses


def differences(schema: Schema, profile: Profile) -> tuple[Difference, ...]:
    """Return where templates, checks, health and the ``yang:`` part differ from the modules.

    Raises ProfileError for a profile without YANG model and for a template that is none.
    """
    listed = yang_model(profile)
    used = uses(profile)
    wanted = part(schema, used, listed)
    return (
        *wrong_uses(schema, used),
        *unknown_paths(schema, listed),
        *wrong_entries(schema, listed, wanted),
    )
