"""Contexts, rendered trees and published YANG for the tests of profiles."""

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import pytest
from lxml import etree

from device_profiles.fragment import Fragment, merged
from device_profiles.profile import Profile, load_profile, profiles
from device_profiles.render import render
from device_profiles.tree import Path
from tests.agreed import agreed_fragments
from tests.contexts import ALL_SITES, SITES_OF, load_context

DATA = FilePath(__file__).parents[2] / "data"
SHARED = FilePath(__file__).parents[4] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing"
    )


def cases(*, new: bool) -> list[tuple[str, str, str]]:
    """Every (profile, fragment, site) that has been agreed, and with ``new`` every other one."""
    return [
        (name, fragment, site)
        for name in profiles()
        for profile in (load_profile(name),)
        for site in SITES_OF.get(name, ALL_SITES)
        for fragment in (profile.fragments if new else agreed_fragments(profile, site))
    ]


def whole(fragment: Fragment) -> dict[Path, str]:
    """A fragment's own nodes and those of the shared objects it needs, as one tree."""
    tree = dict(fragment.own)
    for item in fragment.shared:
        tree.update(item.tree)
    return tree


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"profile_name", "fragment_name", "site"} <= set(metafunc.fixturenames):
        metafunc.parametrize(
            ("profile_name", "fragment_name", "site"),
            cases(new=metafunc.config.getoption("--update-golden", default=False)),
        )


@pytest.fixture
def context() -> Callable[[str], dict[str, Any]]:
    return load_context


@pytest.fixture
def site_tree() -> Callable[[str, str], dict[Path, str]]:
    """All that a site wants on a platform, every fragment laid over the others."""

    def build(profile_name: str, site: str) -> dict[Path, str]:
        profile = load_profile(profile_name)
        rendered = {
            name: render(profile, name, load_context(site))
            for name in agreed_fragments(profile, site)
        }
        return whole(merged(rendered))

    return build


@pytest.fixture
def wanted() -> Callable[[Profile, str, str], dict[Path, str]]:
    def build(profile: Profile, fragment: str, site: str) -> dict[Path, str]:
        return whole(render(profile, fragment, load_context(site)))

    return build


@pytest.fixture
def payload() -> Callable[[str], etree._Element]:
    """A published example payload; the test is skipped where they are absent."""

    def read(name: str) -> etree._Element:
        file = SHARED / "payloads" / name
        if not file.is_file():
            pytest.skip(f"example payloads are not on this machine: {name}")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
        return etree.fromstring(file.read_bytes(), parser)

    return read


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with its golden file, or write the file when asked to."""

    def compare(name: str, text: str) -> None:
        file = DATA / "golden" / name
        if request.config.getoption("--update-golden", default=False):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.read_text(encoding="utf-8") == text

    return compare


@pytest.fixture
def reparsed() -> Callable[[etree._Element], etree._Element]:
    """An element as it arrives on the other side: serialised and parsed again."""
    return lambda element: etree.fromstring(etree.tostring(element))


@pytest.fixture
def yang_folder() -> FilePath:
    if not (SHARED / "yang").is_dir():
        pytest.skip("published YANG modules are not on this machine")
    return SHARED / "yang"
