"""The shell session of the SOM guide, run as it stands there."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.serving.scratch import gateway_process

ROOT = Path(__file__).parents[3]
STEPS = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
pytestmark = [pytest.mark.timeout(240)]


@pytest.fixture
def url(near_lab: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="rom-guide-") as name:
        place = Path(name)
        place.chmod(0o711)  # PostgreSQL runs as another user where this one is root
        with gateway_process(place, near_lab) as found:
            yield found


@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide's steps need curl")
def test_the_five_branches_go_out_as_the_guide_says(url: str, tmp_path: Path) -> None:
    steps = STEPS.findall((ROOT / "docs" / "som-guide.md").read_text())
    (tmp_path / "api").symlink_to(ROOT / "api")
    done = subprocess.run(
        ["bash", "-eu"],  # noqa: S607 - whichever bash the reader has
        input="\n".join(steps), cwd=tmp_path, env=os.environ | {"ROM_URL": url},
        capture_output=True, text=True, check=False, timeout=220,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^Resource order RO-\w+ is completed$", done.stdout, re.M)) == 4
    assert '"name":"2108"' in done.stdout.replace(" ", "")
    assert (tmp_path / "pilot-report.json").stat().st_size > 1000
