"""The script of the Nornir guide, run as it stands there against a gateway and its lab."""

import inspect
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from nornir.core.configuration import Config

from adapters.nornir.inventory import GatewayInventory
from api.serving.scratch import gateway_process

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "nornir.md").read_text()
pytestmark = [pytest.mark.timeout(180)]


def block(language: str) -> str:
    """The guide's only block in a language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def url(near_lab: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="rom-guide-") as name:
        place = Path(name)
        place.chmod(0o711)  # PostgreSQL runs as another user where this one is root
        with gateway_process(place, near_lab) as found:
            yield found


def test_the_script_prints_what_the_guide_says(url: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(block("python"))
    done = subprocess.run(  # noqa: S603 - the guide's own words
        ["bash", "-eu", "-c", f"{block('bash')}\nexec '{sys.executable}' script.py"],  # noqa: S607 - whichever bash the reader has
        cwd=tmp_path, env=os.environ | {"ROM_URL": url},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == block("text").strip()
    log = (tmp_path / "nornir.log").read_text()
    assert "CHG-4711" in log
    assert "lab-netops" not in log


def test_the_configuration_of_the_guide_is_one_that_the_plugin_takes() -> None:
    config = Config.from_dict(**yaml.safe_load(block("yaml")))
    assert config.inventory.plugin == "rom_gateway"
    assert isinstance(GatewayInventory(**config.inventory.options), GatewayInventory)


def test_every_option_of_the_plugin_is_in_the_guide() -> None:
    for name in inspect.signature(GatewayInventory).parameters:
        assert f"`{name}`" in GUIDE
