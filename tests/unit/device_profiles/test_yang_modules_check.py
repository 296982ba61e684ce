"""A profile that says otherwise than its modules is told so, with the path and the mend."""

import shutil
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pytest

from device_profiles.models import YangModel
from device_profiles.profile import Profile, load_profile
from device_profiles.yang_modules.check import differences
from device_profiles.yang_modules.compiled import compiled
from device_profiles.yang_modules.part import make_part
from device_profiles.yang_modules.schema import Schema

DATA = FilePath(__file__).parents[2] / "data" / "yang_modules"
DRAWER = "/toy-cabinet:cabinet/drawer"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def schema() -> Schema:
    modules = (DATA / "modules").glob("*.yang")
    return compiled({file.name: file.read_text() for file in modules})


@pytest.fixture
def profile(schema: Schema, tmp_path: FilePath) -> Profile:
    """The toy platform with a part that is right."""
    shutil.copytree(DATA / "toy-cabinet", tmp_path / "toy-cabinet")
    bare = load_profile("toy-cabinet", tmp_path)
    return bare.model_copy(update={"yang": make_part(schema, bare)})


def changed(profile: Profile, change: Change) -> Profile:
    assert profile.yang is not None
    document = profile.yang.model_dump()
    for name in ("leaf_lists", "identityrefs", "presence", "user_ordered"):
        document[name] = set(document[name])
    change(document)
    return profile.model_copy(update={"yang": YangModel(**document)})


def told(schema: Schema, profile: Profile) -> list[tuple[str, str, str]]:
    return [(one.field, one.reason, one.mend) for one in differences(schema, profile)]


def test_a_part_made_from_the_modules_agrees_with_them(schema: Schema, profile: Profile) -> None:
    assert told(schema, profile) == []


@pytest.mark.parametrize(
    ("change", "field", "reason", "mend"),
    [
        (
            lambda part: part["lists"].update({DRAWER: ("name", "row")}),
            f"yang.lists {DRAWER}",
            "is [row, name] in the modules, not [name, row]",
            "write [row, name]",
        ),
        (
            lambda part: part["lists"].pop(DRAWER),
            f"yang.lists {DRAWER}",
            "is a list with the keys [row, name], and it is not listed",
            "write [row, name]",
        ),
        (
            lambda part: part["values"].update({f"{DRAWER}/locked": "integer"}),
            f"yang.values {DRAWER}/locked",
            "is boolean in the modules, not integer",
            "write boolean",
        ),
        (
            lambda part: part["values"].update({f"{DRAWER}/name": "boolean"}),
            f"yang.values {DRAWER}/name",
            "is a leaf of text, no value of another form than text",
            "take it out",
        ),
        (
            lambda part: part["leaf_lists"].add(f"{DRAWER}/name"),
            f"yang.leaf_lists {DRAWER}/name",
            "is a leaf of text, no leaf-list",
            "take it out",
        ),
        (
            lambda part: part["leaf_lists"].discard(f"{DRAWER}/keeper"),
            f"yang.leaf_lists {DRAWER}/keeper",
            "is a leaf-list, and it is not listed",
            "add it",
        ),
        (
            lambda part: part["presence"].add(f"{DRAWER}/toy-drawers:lining"),
            f"yang.presence {DRAWER}/toy-drawers:lining",
            "is a container, no presence container or empty leaf",
            "take it out",
        ),
        (
            lambda part: part["identityrefs"].discard(f"{DRAWER}/kind"),
            f"yang.identityrefs {DRAWER}/kind",
            "is a leaf of identities, and it is not listed",
            "add it",
        ),
        (
            lambda part: part["user_ordered"].discard(f"{DRAWER}/step"),
            f"yang.user_ordered {DRAWER}/step",
            "is a list with the keys [number], and it is not listed",
            "add it",
        ),
        (
            lambda part: part["namespaces"].update({"toy-drawers": "urn:example:draws"}),
            "yang.namespaces toy-drawers",
            "is not urn:example:draws",
            "write urn:example:toy-drawers",
        ),
        (
            lambda part: part["namespaces"].update({"toy-table": "urn:example:toy-table"}),
            "yang.namespaces toy-table",
            "no such module is given",
            "take it out, or give it",
        ),
        (
            lambda part: part["lists"].update({f"{DRAWER}/lining": ("place",)}),
            f"yang.lists {DRAWER}/lining",
            "the modules have no such node",
            f"write {DRAWER}/toy-drawers:lining, or give the modules that have it",
        ),
    ],
    ids=[
        "keys in another order", "missing list", "wrong type", "type of a string",
        "leaf as leaf-list", "missing leaf-list", "container as presence", "missing identity",
        "missing order", "wrong namespace", "unknown module", "node without its module",
    ],
)  # fmt: skip
def test_what_the_part_says_wrongly_is_the_one_difference(
    schema: Schema, profile: Profile, change: Change, field: str, reason: str, mend: str
) -> None:
    assert told(schema, changed(profile, change)) == [(field, reason, mend)]


@pytest.mark.parametrize(
    ("old", "new", "path", "reason", "mend"),
    [
        (
            "drawer[row='{{ res.row.value }}'][name=",
            "drawer[name=",
            DRAWER,
            "is a list with the keys [row, name], not [name]",
            "write [row='…'][name='…'] after it",
        ),
        (
            "keeper[.='{{ res.keeper.value }}']:",
            "keeper: fe80::1",
            f"{DRAWER}/keeper",
            "is a leaf-list, not []",
            "write [.='…'] after it",
        ),
        (
            "toy-drawers:lining:\n        colour: blue",
            "toy-drawers:lining: blue",
            f"{DRAWER}/toy-drawers:lining",
            "is a container and has no value",
            "write nodes below it",
        ),
        (
            "locked: true",
            "locked[on='1']: true",
            f"{DRAWER}/locked",
            "is a leaf of boolean, not a list",
            "take the keys away",
        ),
        (
            "locked: true",
            "lockd: true",
            f"{DRAWER}/lockd",
            "the modules have no such node",
            f"write {DRAWER}/locked, or give the modules that have it",
        ),
    ],
    ids=["key left out", "leaf-list as leaf", "value of a container", "leaf with keys", "typo"],
)
def test_a_template_that_the_modules_do_not_allow_is_named_with_its_path(
    schema: Schema, profile: Profile, old: str, new: str, path: str, reason: str, mend: str
) -> None:
    file = profile.folder / "fragments" / "vlan-service.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    assert (f"fragments/vlan-service.yaml {path}", reason, mend) in told(schema, profile)


def test_a_shared_object_of_a_template_is_looked_at_too(schema: Schema, profile: Profile) -> None:
    file = profile.folder / "fragments" / "vlan-service.yaml"
    shared = "shared:\n  - root: [toy-cabinet:alarms, \"alarm[name='x']\"]\n    tree: {}\n"
    file.write_text(file.read_text() + shared)
    fields = [field for field, _, _ in told(schema, profile)]
    assert "fragments/vlan-service.yaml /toy-cabinet:alarms/alarm" in fields
    assert "yang.lists /toy-cabinet:alarms/alarm" in fields


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("{{ site.key }}']\", status]", "{{ site.key }}']\", state]", "checks.vlan-service.drawer"),
        ("drawer{0}\", status]", "drawer{0}\", state]", "health.0.state"),
        ("entry: /toy-cabinet:cabinet/drawer", "entry: /toy-cabinet:cabinet/chest", "health.0.ent"),
    ],
)  # fmt: skip
def test_paths_of_checks_and_health_are_looked_at_too(
    schema: Schema, profile: Profile, old: str, new: str, field: str
) -> None:
    folder = profile.folder.parent / "other"
    shutil.copytree(profile.folder, folder / "toy-cabinet")
    file = folder / "toy-cabinet" / "profile.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    wrong = load_profile("toy-cabinet", folder).model_copy(update={"yang": profile.yang})
    [(found, reason, _)] = told(schema, wrong)
    assert found.startswith(field)
    assert reason == "the modules have no such node"


@pytest.mark.parametrize("step", ["visit", "visit[at='noon']"])
def test_a_list_without_keys_cannot_be_used(schema: Schema, profile: Profile, step: str) -> None:
    file = profile.folder / "fragments" / "vlan-service.yaml"
    file.write_text(f"own:\n  toy-cabinet:cabinet-state:\n    {step}: {{given: true}}\n")
    [(field, reason, _)] = told(schema, profile)
    assert field == "fragments/vlan-service.yaml /toy-cabinet:cabinet-state/visit"
    assert reason.startswith("is a list without keys")


def test_a_template_cannot_set_operational_state(schema: Schema, profile: Profile) -> None:
    file = profile.folder / "fragments" / "vlan-service.yaml"
    entry = "drawer[name='x']: {status: shut}"
    file.write_text(f"own:\n  toy-cabinet:cabinet-state:\n    {entry}\n")
    where = "fragments/vlan-service.yaml /toy-cabinet:cabinet-state/drawer"
    reason = "is operational state, which nobody can set"
    assert told(schema, profile) == [
        (where, reason, "take it out"),
        (f"{where}/status", reason, "take it out"),
    ]


def test_the_nodes_below_an_unknown_one_are_not_named_besides(
    schema: Schema, profile: Profile
) -> None:
    file = profile.folder / "fragments" / "vlan-service.yaml"
    file.write_text("own:\n  toy-cabinet:chest:\n    drawer[row='1'][name='2']: {locked: true}\n")
    assert [field for field, _, _ in told(schema, profile)] == [
        "fragments/vlan-service.yaml /toy-cabinet:chest"
    ]
