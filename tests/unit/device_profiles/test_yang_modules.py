"""What YANG modules say becomes a schema, and the ``yang:`` part of a profile."""

import shutil
from pathlib import Path as FilePath
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.errors import ProfileError
from device_profiles.models import YangModel
from device_profiles.profile import Profile, load_profile
from device_profiles.render import render
from device_profiles.yang_modules.compiled import compiled
from device_profiles.yang_modules.part import make_part
from device_profiles.yang_modules.schema import Schema
from device_profiles.yang_modules.text import part_text, with_part

DATA = FilePath(__file__).parents[2] / "data" / "yang_modules"
DRAWER = "/toy-cabinet:cabinet/drawer"


def texts() -> dict[str, str]:
    return {file.name: file.read_text() for file in (DATA / "modules").glob("*.yang")}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return compiled(texts())


@pytest.fixture
def profile(tmp_path: FilePath) -> Profile:
    """The toy platform, whose part is empty, in a folder of its own."""
    shutil.copytree(DATA / "toy-cabinet", tmp_path / "toy-cabinet")
    return load_profile("toy-cabinet", tmp_path)


def with_yang(profile: Profile, model: YangModel) -> Profile:
    return profile.model_copy(update={"yang": model})


def test_a_list_has_its_keys_in_the_order_of_the_key_statement(schema: Schema) -> None:
    assert schema.nodes[DRAWER].keys == ("row", "name")


def test_a_node_of_an_augment_has_the_name_of_the_module_that_adds_it(schema: Schema) -> None:
    assert schema.nodes[f"{DRAWER}/toy-drawers:lining/colour"].module == "toy-drawers"
    assert schema.nodes[f"{DRAWER}/kind"].module == "toy-cabinet"


def test_a_node_of_a_submodule_belongs_to_the_module(schema: Schema) -> None:
    assert schema.nodes["/toy-cabinet:alarms/alarm"].module == "toy-cabinet"
    assert "toy-cabinet-alarms" not in schema.namespaces


def test_deviations_take_nodes_away_and_change_types(schema: Schema) -> None:
    assert f"{DRAWER}/width" not in schema.nodes
    assert f"{DRAWER}/toy-drawers:lining/patch" not in schema.nodes
    assert schema.nodes[f"{DRAWER}/label"].value_kind == "integer"


def test_without_the_deviating_module_the_nodes_are_there() -> None:
    plain = compiled({n: t for n, t in texts().items() if not n.startswith("toy-vendor")})
    assert plain.nodes[f"{DRAWER}/width"].value_kind == "decimal"
    assert plain.nodes[f"{DRAWER}/label"].value_kind is None
    assert plain.nodes[f"{DRAWER}/toy-drawers:lining/patch"].keys == ("place",)


def test_a_module_has_all_its_features_unless_some_are_named(schema: Schema) -> None:
    assert f"{DRAWER}/fan/speed" in schema.nodes
    other = texts()
    name = "toy-cabinet@2026-02-01.yang"
    other[name] = other[name].replace("\n\n  feature", "\n\n  feature heating; feature")
    assert f"{DRAWER}/fan/speed" in compiled(other, ["toy-cabinet:cooling"]).nodes
    assert f"{DRAWER}/fan" not in compiled(other, ["toy-cabinet:heating"]).nodes
    assert f"{DRAWER}/fan" not in compiled(other, ["toy-cabinet:"]).nodes


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        ("toy-cabinet:warming", "unknown: the module has cooling"),
        ("toy-table:cooling", "no such module"),
        ("toy-drawers:cooling", "unknown: the module has none"),
        ("cooling", "write module:feature"),
    ],
)
def test_a_feature_that_no_module_has_is_refused(feature: str, told: str) -> None:
    with pytest.raises(ProfileError, match=told):
        compiled(texts(), [feature])


def test_the_newest_revision_of_a_module_counts(schema: Schema) -> None:
    assert schema.namespaces["toy-cabinet"] == "urn:example:toy-cabinet"
    assert "/toy-cabinet:cabinet/old" not in schema.nodes


def test_choices_are_no_part_of_paths_and_operations_are_no_data(schema: Schema) -> None:
    assert schema.nodes[f"{DRAWER}/left"].presence
    assert not [path for path in schema.nodes if "position" in path or "open" in path]


@pytest.mark.parametrize(
    ("leaf", "kind"),
    [
        ("row", "integer"),
        ("beside", "integer"),
        ("locked", "boolean"),
        ("keeper", "ipv6"),
        ("tag", "integer"),
        ("note", None),
        ("name", None),
        ("kind", None),
    ],
)
def test_types_say_how_values_compare(schema: Schema, leaf: str, kind: str | None) -> None:
    assert schema.nodes[f"{DRAWER}/{leaf}"].value_kind == kind


def test_modules_of_identities_are_those_of_all_derived_ones(schema: Schema) -> None:
    assert schema.nodes[f"{DRAWER}/kind"].identity_modules == {"toy-drawers"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("type slot-number;", "type slot;", r"toy-cabinet@2026-02-01\.yang:\d+: .*slot"),
        ("import ietf-inet-types", "import ietf-lost-types", "ietf-lost-types"),
        ("list drawer {", "list drawer ", r"toy-cabinet@2026-02-01\.yang:\d+"),
    ],
)
def test_modules_that_do_not_compile_are_refused_with_file_and_line(
    old: str, new: str, told: str
) -> None:
    broken = texts()
    name = "toy-cabinet@2026-02-01.yang"
    broken[name] = broken[name].replace(old, new, 1)
    with pytest.raises(ProfileError, match=told):
        compiled(broken)


PART = """\
yang:
  namespaces:
    toy-cabinet: urn:example:toy-cabinet
    toy-drawers: urn:example:toy-drawers
  lists:
    /toy-cabinet:cabinet-state/drawer: [name]
    /toy-cabinet:cabinet/drawer: [row, name]
    /toy-cabinet:cabinet/drawer/step: [number]
  leaf_lists:
    - /toy-cabinet:cabinet/drawer/keeper
  identityrefs:
    - /toy-cabinet:cabinet/drawer/kind
  presence:
    - /toy-cabinet:cabinet/drawer/left
    - /toy-cabinet:cabinet/drawer/right
  user_ordered:
    - /toy-cabinet:cabinet/drawer/step
  values:
    /toy-cabinet:cabinet/drawer/keeper: ipv6
    /toy-cabinet:cabinet/drawer/label: integer
    /toy-cabinet:cabinet/drawer/locked: boolean
    /toy-cabinet:cabinet/drawer/row: integer
    /toy-cabinet:cabinet/drawer/step/number: integer
"""


def test_the_part_has_what_the_profile_uses_and_the_structure_inside_its_entries(
    schema: Schema, profile: Profile
) -> None:
    assert part_text(make_part(schema, profile)) == PART


def test_the_part_made_again_is_the_same(schema: Schema, profile: Profile) -> None:
    paths = ("/toy-cabinet:cabinet", "/toy-cabinet:cabinet-state")
    first = make_part(schema, profile, paths=paths)
    assert make_part(schema, with_yang(profile, first)) == first
    assert "/toy-cabinet:cabinet/unused/nothing" in first.lists


def test_what_the_part_names_stays_unless_it_is_made_afresh(
    schema: Schema, profile: Profile
) -> None:
    listed = YangModel(namespaces={}, lists={"/toy-cabinet:alarms/alarm": ("id",)})
    known = with_yang(profile, listed)
    made = make_part(schema, known)
    assert made.lists["/toy-cabinet:alarms/alarm"] == ("id",)
    assert made.values["/toy-cabinet:alarms/alarm/id"] == "integer"
    assert make_part(schema, known, keep=False) == make_part(schema, profile)


def test_a_list_without_keys_is_left_out(schema: Schema, profile: Profile) -> None:
    made = make_part(schema, profile, paths=["/toy-cabinet:cabinet-state"])
    assert "/toy-cabinet:cabinet-state/visit" not in made.lists


def test_a_string_that_a_device_spells_in_lower_case_stays_so(
    schema: Schema, profile: Profile
) -> None:
    listed = YangModel(namespaces={}, values={f"{DRAWER}/name": "lower", f"{DRAWER}/row": "lower"})
    values = make_part(schema, with_yang(profile, listed)).values
    assert (values[f"{DRAWER}/name"], values[f"{DRAWER}/row"]) == ("lower", "integer")


@pytest.mark.parametrize(
    ("made_of", "told"),
    [
        ({"paths": ["/toy-cabinet:cabinet/drawers"]}, "write /toy-cabinet:cabinet/drawer, or give"),
        ({"paths": ["/toy-table:table"]}, "/toy-table:table: the modules have no such node"),
    ],
)
def test_no_part_is_made_of_paths_that_the_modules_do_not_have(
    schema: Schema, profile: Profile, made_of: dict[str, Any], told: str
) -> None:
    with pytest.raises(ProfileError, match=told):
        make_part(schema, profile, **made_of)


def test_no_part_is_made_for_a_template_that_the_modules_do_not_know(
    schema: Schema, profile: Profile
) -> None:
    file = profile.folder / "fragments" / "vlan-service.yaml"
    file.write_text(file.read_text().replace("colour", "color"))
    with pytest.raises(ProfileError, match=r"fragments/vlan-service\.yaml .*/color: .*/colour"):
        make_part(schema, profile)


def test_the_part_goes_into_the_file_and_all_else_stays(schema: Schema, profile: Profile) -> None:
    before = (profile.folder / "profile.yaml").read_text()
    after = with_part(before, part_text(make_part(schema, profile)))
    assert after == before.replace("yang: {namespaces: {}}\n", PART)
    assert with_part(after, PART) == after


def test_a_file_without_the_part_is_refused() -> None:
    with pytest.raises(ProfileError, match="begin with yang"):
        with_part("name: toy\n", PART)


PATHS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1)


@given(st.dictionaries(PATHS, st.lists(PATHS, min_size=1, max_size=3)), st.frozensets(PATHS))
def test_whatever_the_names_the_text_reads_back_as_the_part(
    lists: dict[str, list[str]], presence: frozenset[str]
) -> None:
    model = YangModel(
        namespaces={"on": "yes"},
        lists={path: tuple(keys) for path, keys in lists.items()},
        presence=presence,
    )
    assert YangModel(**yaml.safe_load(part_text(model))["yang"]) == model


def test_a_path_that_is_longer_than_a_plain_key_may_be_reads_back_too() -> None:
    model = YangModel(namespaces={}, lists={"/a:list" * 200: ("name",)})
    assert YangModel(**yaml.safe_load(part_text(model))["yang"]) == model


def test_a_template_may_write_one_entry_of_a_list_that_the_user_orders(profile: Profile) -> None:
    file = profile.folder / "fragments" / "vlan-service.yaml"
    one = "own:\n  toy-cabinet:cabinet:\n    step[number='1']:\n      text: pull\n"
    ordered = YangModel(namespaces={}, user_ordered=frozenset({"/toy-cabinet:cabinet/step"}))
    known = with_yang(profile, ordered)
    file.write_text(one)
    assert len(render(known, "vlan-service", {}).own) == 2


def test_two_entries_of_a_list_that_the_user_orders_are_refused(profile: Profile) -> None:
    file = profile.folder / "fragments" / "vlan-service.yaml"
    file.write_text(
        "own:\n  toy-cabinet:cabinet:\n    step[number='1']: {}\n    step[number='2']: {}\n"
    )
    ordered = YangModel(namespaces={}, user_ordered=frozenset({"/toy-cabinet:cabinet/step"}))
    with pytest.raises(ProfileError, match=r"step\[number='2'\].*whose order says something"):
        render(with_yang(profile, ordered), "vlan-service", {})
    assert len(render(profile, "vlan-service", {}).own) == 2
