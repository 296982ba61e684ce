"""Leafrefs become the references of a profile, and what the profile knows besides stays."""

from pathlib import Path as FilePath
from typing import Any

import pytest
import yaml

from device_profiles.errors import ProfileError
from device_profiles.models import YangModel
from device_profiles.profile import Profile, load_profile
from device_profiles.yang_modules.check import differences
from device_profiles.yang_modules.compiled import compiled
from device_profiles.yang_modules.part import make_part
from device_profiles.yang_modules.schema import Schema
from device_profiles.yang_modules.text import part_text

MODULES = FilePath(__file__).parents[2] / "data" / "yang_modules" / "house"
HOUSE = "/toy-house:house"
ROOM = f"{HOUSE}/room"
TREE = f"{HOUSE}/toy-garden:tree"
PROFILE = """\
name: house
title: A house with rooms
roles: [access]
driver: netconf
fragments: [vlan-service]
yang: {namespaces: {}}
"""
TEMPLATE = """\
own:
  toy-house:house:
    lamp[name='{{ site.key }}']: {}
    socket[number='1']: {}
    shelf[row='1'][name='top']: {}
    room[name='{{ site.key }}']: {}
"""
LEAFREFS = {
    f"{ROOM}/entrance": f"{ROOM}/door",
    f"{ROOM}/light": f"{HOUSE}/lamp",
    f"{ROOM}/next": ROOM,
    f"{ROOM}/plug": f"{HOUSE}/socket",
    f"{ROOM}/reading-light": f"{HOUSE}/lamp",
    f"{ROOM}/spare": f"{HOUSE}/lamp",
    f"{ROOM}/used/lamp": f"{HOUSE}/lamp",
}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return compiled({file.name: file.read_text() for file in MODULES.glob("*.yang")})


@pytest.fixture
def bare(tmp_path: FilePath) -> Profile:
    """A platform whose part is empty."""
    folder = tmp_path / "house"
    (folder / "fragments").mkdir(parents=True)
    (folder / "profile.yaml").write_text(PROFILE)
    (folder / "fragments" / "vlan-service.yaml").write_text(TEMPLATE)
    return load_profile("house", tmp_path)


@pytest.fixture
def right(schema: Schema, bare: Profile) -> dict[str, Any]:
    """The part that is right, to be changed."""
    return make_part(schema, bare).model_dump()


def with_part(profile: Profile, part: dict[str, Any]) -> Profile:
    return profile.model_copy(update={"yang": YangModel(**part)})


def told(schema: Schema, profile: Profile) -> list[tuple[str, str, str]]:
    return [(one.field, one.reason, one.mend) for one in differences(schema, profile)]


def test_leaves_members_and_keys_that_lead_to_a_key_are_references(
    schema: Schema, bare: Profile
) -> None:
    assert make_part(schema, bare).references == LEAFREFS


def test_a_value_that_needs_a_second_one_to_name_an_entry_is_no_reference(schema: Schema) -> None:
    nodes = schema.nodes
    assert nodes[f"{ROOM}/way-out"].names is None
    assert nodes[f"{ROOM}/shelved"].names is None
    assert nodes[f"{ROOM}/next"].names == ROOM


def test_state_refers_to_nothing(schema: Schema, bare: Profile) -> None:
    assert schema.nodes[f"{ROOM}/lit"].names == f"{HOUSE}/lamp"
    assert f"{ROOM}/lit" not in make_part(schema, bare, paths=[HOUSE]).references


def test_a_list_that_is_not_in_the_scope_is_named_by_nothing_there(
    schema: Schema, bare: Profile
) -> None:
    view = f"{ROOM}/toy-garden:view"
    assert view not in make_part(schema, bare).references
    assert make_part(schema, bare, paths=[TREE]).references[view] == TREE


def test_what_names_an_entry_compares_as_the_key_does(schema: Schema, bare: Profile) -> None:
    values = make_part(schema, bare).values
    assert values[f"{ROOM}/plug"] == values[f"{HOUSE}/socket/number"] == "integer"


def test_plain_values_that_refer_and_what_is_unique_stay_in_a_part_that_is_stable(
    schema: Schema, bare: Profile, right: dict[str, Any]
) -> None:
    curtains, door = f"{HOUSE}/curtain", f"{ROOM}/door"
    right["lists"] = {**right["lists"], curtains: ("name",)}
    right["references"] = {f"{ROOM}/curtain": curtains}
    right["unique"] = {door}
    made = make_part(schema, with_part(bare, right))
    assert made.references == {**LEAFREFS, f"{ROOM}/curtain": curtains}
    assert made.unique == {door}
    again = make_part(schema, bare.model_copy(update={"yang": made}))
    text = part_text(made)
    assert part_text(again) == text
    assert YangModel(**yaml.safe_load(text)["yang"]) == made
    section = text.partition("  references:\n")[2].partition("  unique:\n")
    assert section[0].splitlines() == sorted(section[0].splitlines())
    assert section[2] == f"    - {door}\n"
    assert told(schema, bare.model_copy(update={"yang": made})) == []
    fresh = make_part(schema, bare.model_copy(update={"yang": made}), keep=False)
    assert (fresh.references, fresh.unique) == (LEAFREFS, frozenset())


@pytest.mark.parametrize(
    ("references", "field", "reason", "mend"),
    [
        (
            {f"{ROOM}/light": None},
            f"yang.references {ROOM}/light",
            "is a leafref, and it is not listed",
            f"write {HOUSE}/lamp",
        ),
        (
            {f"{ROOM}/light": f"{HOUSE}/socket"},
            f"yang.references {ROOM}/light",
            f"is {HOUSE}/lamp in the modules, not {HOUSE}/socket",
            f"write {HOUSE}/lamp",
        ),
        (
            {f"{ROOM}/curtains": f"{HOUSE}/lamp"},
            f"yang.references {ROOM}/curtains",
            "the modules have no such node",
            f"write {ROOM}/curtain, or give the modules that have it",
        ),
        (
            {f"{ROOM}/door": f"{HOUSE}/lamp"},
            f"yang.references {ROOM}/door",
            "is a list with the keys [name], no configured leaf or leaf-list",
            "take it out",
        ),
    ],
    ids=["missing", "another list", "unknown leaf", "list"],
)
def test_a_reference_that_the_modules_tell_otherwise_is_the_one_difference(
    schema: Schema,
    bare: Profile,
    right: dict[str, Any],
    references: dict[str, str | None],
    field: str,
    reason: str,
    mend: str,
) -> None:
    changed = {**right["references"], **references}
    right["references"] = {leaf: named for leaf, named in changed.items() if named}
    assert told(schema, with_part(bare, right)) == [(field, reason, mend)]


def test_a_reference_to_a_list_that_is_not_in_the_modules_is_a_difference_and_makes_no_part(
    schema: Schema, bare: Profile, right: dict[str, Any]
) -> None:
    right["lists"] = {**right["lists"], f"{HOUSE}/curtains": ("name",)}
    right["references"] = {**right["references"], f"{ROOM}/curtain": f"{HOUSE}/curtains"}
    profile = with_part(bare, right)
    mend = f"write {HOUSE}/curtain, or give the modules that have it"
    assert told(schema, profile) == [
        (f"yang.lists {HOUSE}/curtains", "the modules have no such node", mend),
        (
            f"yang.references {ROOM}/curtain",
            f"names entries of {HOUSE}/curtains, which the modules do not have",
            mend,
        ),
    ]
    with pytest.raises(ProfileError, match=r"yang\.references .*/room/curtain"):
        make_part(schema, profile)


def test_what_is_unique_is_a_list_of_the_modules(
    schema: Schema, bare: Profile, right: dict[str, Any]
) -> None:
    right["lists"] = {**right["lists"], f"{ROOM}/curtain": ("name",)}
    right["unique"] = {f"{ROOM}/curtain"}
    fields = [one[0] for one in told(schema, with_part(bare, right))]
    assert fields == [f"yang.lists {ROOM}/curtain", f"yang.unique {ROOM}/curtain"]
