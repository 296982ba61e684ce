"""``rom profile``: the ``yang:`` part made from modules, and a profile checked against them."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from api.cli import app
from device_profiles.profile import FOLDER

DATA = Path(__file__).parents[2] / "data" / "yang_modules"
MODULES = DATA / "modules"


def rom(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "toy-cabinet", tmp_path / "toy-cabinet"))


def test_yang_prints_the_part_and_leaves_the_profile_alone(folder: Path) -> None:
    before = (folder / "profile.yaml").read_text()
    done = rom("profile", "yang", folder, "--modules", MODULES)
    assert done.exit_code == 0
    part = yaml.safe_load(done.stdout)["yang"]
    assert part["lists"]["/toy-cabinet:cabinet/drawer"] == ["row", "name"]
    assert (folder / "profile.yaml").read_text() == before


def test_a_part_that_was_written_passes_the_check_and_is_written_the_same_again(
    folder: Path,
) -> None:
    assert rom("profile", "check", folder, "--modules", MODULES).exit_code == 1
    written = rom("profile", "yang", folder, "--modules", MODULES, "--write")
    assert written.exit_code == 0
    assert "toy-cabinet/profile.yaml has its yang: part" in written.stdout
    first = (folder / "profile.yaml").read_text()
    assert "# This comment and the order of parts stay." in first

    checked = rom("profile", "check", folder, "--modules", MODULES)
    assert (checked.exit_code, checked.stdout) == (
        0,
        "Profile toy-cabinet agrees with the modules\n",
    )
    rom("profile", "yang", folder, "--modules", MODULES, "--write")
    assert (folder / "profile.yaml").read_text() == first


def test_check_names_every_difference_with_its_mend_and_exits_1(folder: Path) -> None:
    rom("profile", "yang", folder, "--modules", MODULES, "--write")
    file = folder / "profile.yaml"
    file.write_text(file.read_text().replace("drawer: [row, name]", "drawer: [name]"))
    done = rom("profile", "check", folder, "--modules", MODULES)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "yang.lists /toy-cabinet:cabinet/drawer",
        "    is [row, name] in the modules, not [name]",
        "    write [row, name]",
        "Profile toy-cabinet differs from the modules: 1",
    ]
    as_json = rom("profile", "check", folder, "--modules", MODULES, "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout) == {
        "profile": "toy-cabinet",
        "differences": [
            {
                "field": "yang.lists /toy-cabinet:cabinet/drawer",
                "reason": "is [row, name] in the modules, not [name]",
                "mend": "write [row, name]",
            }
        ],
    }


def test_more_paths_go_in_and_stay_until_it_is_made_afresh(folder: Path) -> None:
    alarms = "/toy-cabinet:alarms/alarm"
    words = ("profile", "yang", folder, "--modules", MODULES)
    rom(*words, "--write", "--path", "/toy-cabinet:alarms")
    assert alarms in yaml.safe_load(rom(*words).stdout)["yang"]["lists"]
    assert alarms not in yaml.safe_load(rom(*words, "--fresh").stdout)["yang"]["lists"]


def test_features_that_the_device_lacks_take_their_nodes_away(folder: Path) -> None:
    fan = ("--path", "/toy-cabinet:cabinet/drawer/fan")
    words = ("profile", "yang", folder, "--modules", MODULES)
    cooled = yaml.safe_load(rom(*words, *fan).stdout)["yang"]["values"]
    assert cooled["/toy-cabinet:cabinet/drawer/fan/speed"] == "integer"
    assert rom(*words, *fan, "--feature", "toy-cabinet:none").exit_code == 2


def test_modules_may_lie_in_several_folders(folder: Path, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    own = Path(shutil.copytree(MODULES, tmp_path / "own"))
    vendor.mkdir()
    (own / "toy-vendor@2026-02-01.yang").rename(vendor / "toy-vendor@2026-02-01.yang")
    both = rom("profile", "yang", folder, "--modules", own, "--modules", vendor)
    assert both.stdout == rom("profile", "yang", folder, "--modules", MODULES).stdout


@pytest.mark.parametrize("command", ["yang", "check"])
def test_what_is_not_there_is_refused_with_its_name(
    command: str, folder: Path, tmp_path: Path
) -> None:
    unknown = rom("profile", command, "toy-table", "--modules", MODULES)
    assert (unknown.exit_code, "no profile 'toy-table'" in unknown.stderr) == (2, True)
    empty = rom("profile", command, folder, "--modules", tmp_path)
    assert (empty.exit_code, "no .yang files there" in empty.stderr) == (2, True)
    lines = rom("profile", command, "ios-switch", "--modules", MODULES)
    assert (lines.exit_code, "ios-switch has no YANG model" in lines.stderr) == (2, True)


def test_modules_that_do_not_compile_are_refused_with_the_line(
    folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "toy.yang").write_text("module toy {\n  leaf a { type lost; }\n}\n")
    done = rom("profile", "check", folder, "--modules", broken)
    assert done.exit_code == 2
    assert "the modules do not compile: toy.yang:" in done.stderr


def test_without_pyang_the_command_says_how_to_install_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("device_profiles.yang_modules")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyang"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_NoPyang(), *sys.meta_path])
    done = rom("profile", "check", folder, "--modules", MODULES)
    assert done.exit_code == 2
    assert "pip install 'rom-gateway[yang]'" in done.stderr


class _NoPyang:
    """As in an installation without the extra."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "pyang":
            raise ModuleNotFoundError(f"No module named {name!r}", name="pyang")


def test_check_without_modules_judges_the_profile_by_itself(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FOLDER / "ios-switch", tmp_path / "ios-switch"))
    done = rom("profile", "check", folder)
    assert (done.exit_code, done.stdout) == (0, "Profile ios-switch can be used\n")
    file = folder / "fragments" / "p2p-bearer.j2"
    file.write_text(file.read_text().replace("site.key", "sight.key"))
    done = rom("profile", "check", folder)
    assert done.exit_code == 1
    assert "fragments/p2p-bearer.j2\n    there is no sight\n    use one of " in done.stdout
    assert "Profile ios-switch is wrong: 1" in done.stdout
    told = json.loads(rom("profile", "check", folder, "--json").stdout)
    assert [one["field"] for one in told["differences"]] == ["fragments/p2p-bearer.j2"]


def test_check_tells_what_nothing_proves_and_is_content() -> None:
    done = rom("profile", "check", "bbf-olt")
    assert done.exit_code == 0
    assert "checks.qos-policy\n    nothing proves this fragment" in done.stdout


def test_a_name_that_is_there_twice_is_refused_by_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FOLDER / "ios-switch", tmp_path / "ios-switch")
    monkeypatch.setenv("ROM_PROFILES_DIR", str(tmp_path))
    done = rom("profile", "check", "ios-switch")
    assert done.exit_code == 2
    assert "give the folder and the profile another name" in done.stderr
