"""A profile is judged before any device is there; every remark says where, what and the mend."""

import shutil
from pathlib import Path

import pytest

from device_profiles.judging import mistakes, unproven
from device_profiles.profile import FOLDER, Profile, load_profile, profiles

FILE, VLAN = "profile.yaml", "fragments/vlan-service"


def changed(folder: Path, model: str, file: str, before: str, after: str) -> Profile:
    shutil.copytree(FOLDER / model, folder / model)
    place = folder / model / file
    assert before in place.read_text()
    place.write_text(place.read_text().replace(before, after, 1))
    return load_profile(model, folder)


@pytest.mark.parametrize("name", profiles())
def test_no_shipped_profile_has_a_mistake(name: str) -> None:
    assert list(mistakes(load_profile(name))) == []


@pytest.mark.parametrize(
    ("model", "file", "before", "after", "field"),
    [
        ("ios-switch", VLAN + ".j2", "res.", "rez.", VLAN + ".j2"),
        ("sros-bng", VLAN + ".yaml", "site.", "sight.", VLAN + ".yaml"),
        ("ios-switch", FILE, "faces {{ res.", "faces {{ rez.", "checks.p2p-bearer.port-status"),
        ("ios-switch", FILE, 'text: "{{ res.', 'text: "{{ rez.', "circuit_id.text"),
    ],
)
def test_a_name_that_no_template_sees_is_told_where_it_stands(
    tmp_path: Path, model: str, file: str, before: str, after: str, field: str
) -> None:
    [remark] = set(mistakes(changed(tmp_path, model, file, before, after)))
    assert remark.field == field
    assert remark.reason.startswith("there is no ")
    assert "res, site" in remark.mend


def test_a_broken_template_is_told(tmp_path: Path) -> None:
    broken = changed(tmp_path, "ios-switch", "fragments/p2p-bearer.j2", "}}", "}")
    [remark] = mistakes(broken)
    assert remark.field == "fragments/p2p-bearer.j2"
    assert remark.reason.startswith("is no template: ")


def test_what_nothing_proves_is_told_and_is_no_mistake() -> None:
    [remark] = unproven(load_profile("bbf-olt"))
    assert remark.field == "checks.qos-policy"
    assert "NO_CHECK" in remark.reason
    assert list(unproven(load_profile("ios-switch"))) == []
