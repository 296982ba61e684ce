"""The guide to a new product, followed word by word: an empty folder, an order, its way back."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.serving.scratch import gateway_process

ROOT = Path(__file__).parents[3]
STEPS = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPECIFICATION = "/tmf-api/resourceCatalog/v4/resourceSpecification/RFS:Business-Fibre"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
pytestmark = [pytest.mark.timeout(240)]


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "catalog"
    folder.mkdir()
    monkeypatch.setenv("ROM_CATALOG_DIR", str(folder))
    return folder


@pytest.fixture
def url(catalog: Path, near_lab: str) -> Iterator[str]:
    """A gateway over the folder, which is empty when it starts."""
    assert not list(catalog.iterdir())
    with tempfile.TemporaryDirectory(prefix="rom-guide-") as name:
        place = Path(name)
        place.chmod(0o711)  # PostgreSQL runs as another user where this one is root
        with gateway_process(place, near_lab) as found:
            yield found


@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide's steps need curl")
def test_a_product_comes_goes_and_leaves_nothing_as_the_guide_says(
    url: str, tmp_path: Path
) -> None:
    steps = STEPS.findall((ROOT / "docs" / "adding-a-product.md").read_text(encoding="utf-8"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu"],  # noqa: S607 - whichever bash the reader has
        input="\n".join(steps), cwd=tmp_path, env=os.environ | {"ROM_URL": url, "PATH": path},
        capture_output=True, text=True, check=False, timeout=220,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert len(re.findall(r" s  order RO-\w+ is completed$", done.stdout, re.M)) == 3, said
    assert "business-fibre.yaml: RFS:Business-Fibre 1.0 can be used" in done.stdout
    assert "wrong.yaml: configure[0].fragment: no platform of role access has a fragment" in said
    assert httpx.get(f"{url}{SPECIFICATION}").json()["lifecycleStatus"] == "Retired"
    held = httpx.get(f"{url}{RESOURCES}", params={"place.id": "ENT-1102-MELB"}).json()
    assert [entry["name"] for entry in held if entry["usageState"] == "active"] == []
