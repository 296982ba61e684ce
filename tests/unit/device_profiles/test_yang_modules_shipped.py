"""The ``yang:`` parts that are shipped are those the published modules give."""

from functools import lru_cache
from pathlib import Path as FilePath

import pytest

from device_profiles.profile import load_profile
from device_profiles.yang_modules.check import differences
from device_profiles.yang_modules.compiled import compiled
from device_profiles.yang_modules.part import make_part
from device_profiles.yang_modules.schema import Schema
from device_profiles.yang_modules.text import part_text

MODULES = {
    "bbf-olt": "bbf",
    "ietf-twamp-probe": "ietf-twamp",
    "openconfig-switch": "openconfig",
}


@lru_cache
def schema_of(folder: FilePath) -> Schema:
    return compiled({file.name: file.read_text() for file in folder.glob("*.yang")})


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_shipped_part_is_the_text_that_the_modules_give(name: str, yang_folder: FilePath) -> None:
    profile = load_profile(name)
    made = part_text(make_part(schema_of(yang_folder / MODULES[name]), profile))
    shipped = (profile.folder / "profile.yaml").read_text()
    assert f"\n{made}\n" in shipped


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_shipped_profile_agrees_with_the_modules(name: str, yang_folder: FilePath) -> None:
    assert differences(schema_of(yang_folder / MODULES[name]), load_profile(name)) == ()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_what_templates_use_is_made_without_what_the_part_names(
    name: str, yang_folder: FilePath
) -> None:
    """Nothing in the scope depends on a part that somebody has written before."""
    profile = load_profile(name)
    fresh = make_part(schema_of(yang_folder / MODULES[name]), profile, keep=False)
    assert profile.yang is not None
    assert fresh.lists.items() <= profile.yang.lists.items()
    assert fresh.values.items() <= profile.yang.values.items()
    assert fresh.leaf_lists <= profile.yang.leaf_lists
    assert fresh.presence <= profile.yang.presence
    assert fresh.identityrefs <= profile.yang.identityrefs
    assert fresh.lists
