"""Profiles of an operator's own lie in a folder of theirs, beside the shipped ones."""

import shutil
from pathlib import Path

import pytest

from device_profiles.errors import ProfileError
from device_profiles.folders import VARIABLE, choose_own_folder
from device_profiles.profile import FOLDER, check_profiles, load_profile, profiles
from rom.catalog.errors import CatalogError
from rom.catalog.loader import load_catalog


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path


def put(folder: Path, name: str, model: str = "ios-switch") -> Path:
    """A copy of a shipped profile under another name."""
    place = folder / name
    shutil.copytree(FOLDER / model, place)
    file = place / "profile.yaml"
    file.write_text(file.read_text().replace(f"name: {model}", f"name: {name}", 1))
    return place


def test_a_profile_of_ones_own_is_there_beside_the_shipped_ones(own: Path) -> None:
    put(own, "own-switch")
    assert {"own-switch", "ios-switch"} <= set(profiles())
    assert load_profile("own-switch").folder == own / "own-switch"
    assert load_profile("ios-switch").folder == FOLDER / "ios-switch"
    assert "own-switch" in {profile.name for profile in check_profiles()}


def test_without_the_setting_there_are_the_shipped_ones_only(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(own, "own-switch")
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ProfileError, match="no profile 'own-switch'"):
        load_profile("own-switch")


def test_a_program_may_choose_the_folder_itself(own: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    put(chosen, "zeta-switch")
    choose_own_folder(chosen)
    try:
        assert "zeta-switch" in profiles()
    finally:
        choose_own_folder(None)
    assert "zeta-switch" not in profiles()


def test_a_changed_profile_of_ones_own_is_followed(own: Path) -> None:
    file = put(own, "own-switch") / "profile.yaml"
    before = load_profile("own-switch").title
    file.write_text(file.read_text().replace(before, "Another title"))
    assert load_profile("own-switch").title == "Another title"


def test_a_name_that_is_there_twice_is_refused_with_the_mend(own: Path) -> None:
    put(own, "ios-switch")
    wanted = r"ios-switch/profile\.yaml: name: 'ios-switch' is in .* already; give .* another name"
    with pytest.raises(ProfileError, match=wanted):
        check_profiles()
    with pytest.raises(CatalogError, match=wanted):
        load_catalog()
    assert load_profile("ios-switch").folder == FOLDER / "ios-switch"


def test_a_folder_that_is_not_there_is_refused_by_the_settings_name(own: Path) -> None:
    own.rmdir()
    with pytest.raises(ProfileError, match="is no folder; make it, or correct ROM_PROFILES_DIR"):
        check_profiles()


def test_a_running_catalog_sees_a_platform_that_comes(own: Path) -> None:
    catalog = load_catalog()
    assert not catalog.reload()
    put(own, "own-switch")
    assert catalog.reload()
    assert not catalog.reload()
