"""A profile is as its folder is now; while it is broken, its last good state goes on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from device_profiles.errors import ProfileError
from device_profiles.profile import FOLDER, check_profiles, load_profile
from device_profiles.render import render

NAME = "sros-bng"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER / NAME, tmp_path / NAME)
    return tmp_path


@pytest.fixture
def change(folder: Path) -> Callable[[str, str, str], None]:
    """Replaces a text in one of the profile's files by another."""

    def _change(file: str, before: str, after: str) -> None:
        path = folder / NAME / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    return _change


def test_a_profile_that_does_not_change_is_read_once(folder: Path) -> None:
    assert load_profile(NAME, folder) is load_profile(NAME, folder)


def test_a_changed_profile_is_followed(
    folder: Path, change: Callable[[str, str, str], None]
) -> None:
    before = load_profile(NAME, folder)
    change("profile.yaml", before.title, "Nokia 7750 SR, another release")
    assert load_profile(NAME, folder).title == "Nokia 7750 SR, another release"


def test_a_changed_fragment_is_followed(folder: Path) -> None:
    fragment = folder / NAME / "fragments" / "vlan-service.yaml"
    fragment.write_text("own: {'nokia-conf:configure': {system: {name: first}}}\n")
    (leaf,) = render(load_profile(NAME, folder), "vlan-service", {}).own.values()
    fragment.write_text("own: {'nokia-conf:configure': {system: {name: another}}}\n")
    (changed,) = render(load_profile(NAME, folder), "vlan-service", {}).own.values()
    assert (leaf, changed) == ("first", "another")


def test_a_broken_profile_goes_on_as_it_was_and_the_check_names_file_and_field(
    folder: Path, change: Callable[[str, str, str], None]
) -> None:
    good = load_profile(NAME, folder)
    change("profile.yaml", "driver: netconf", "driver: telegraph")
    assert load_profile(NAME, folder) == good
    with pytest.raises(ProfileError, match=r"sros-bng/profile\.yaml: driver: "):
        check_profiles(folder)
    change("profile.yaml", "driver: telegraph", "driver: netconf")
    assert [profile.name for profile in check_profiles(folder)] == [NAME]


def test_a_profile_that_is_gone_is_not_used_any_more(folder: Path) -> None:
    load_profile(NAME, folder)
    shutil.rmtree(folder / NAME)
    with pytest.raises(ProfileError, match="no profile 'sros-bng'"):
        load_profile(NAME, folder)
