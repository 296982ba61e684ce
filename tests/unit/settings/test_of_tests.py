"""Tests that are killed leave nothing where a real gateway has its state."""

from api.cli.settings import read_settings
from rom.settings.gateway import default_data_dir


def test_what_names_no_data_directory_gets_one_of_the_run() -> None:
    found = read_settings().data_dir
    assert found != default_data_dir()
    assert "unnamed-data-directory" in found.name
