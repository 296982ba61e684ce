"""Run mutmut over the core rules and tell, by module, how many planted mistakes the tests see.

What is mutated and by which tests is in ``pyproject.toml``. ``python -m tests.mutation`` starts
from nothing and tests every mistake, ``--continue`` goes on where a run has stopped; with patterns
such as ``rom.ledger.plan*`` it tests those anew and leaves the others' results as they are. With
both it tests those of the patterns that no test has seen yet, so that all of it can be carried to
its end module by module.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from unittest.mock import patch

from mutmut.stats import status_by_exit_code

from device_profiles.folders import VARIABLE
from rom.store.embedded import EmbeddedPostgres
from tests.databases import RUNNING_SERVER, fresh_database
from tests.rules.conftest import LENT, TABLES, engine_at
from tests.rules.kept import READY, Kept
from tests.rules.plant import PLATFORMS, Plant

ROOT = Path(__file__).parents[2]
MUTANTS = ROOT / "mutants"
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
LIMIT_SECONDS = 7200
NEEDED = 0.9
GO_ON = "--continue"
MISSED = "missed.txt"
LATE = "timeout"
SEEN = {"killed", LATE, "segfault"}


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 when nine in ten are seen."""
    patterns = [each for each in arguments if each != GO_ON]
    if not arguments:
        rmtree(MUTANTS, ignore_errors=True)
    if patterns and GO_ON in arguments:
        patterns = [name for pattern in patterns for name in left(pattern)]
        if not patterns:
            return told(results())
    with (
        TemporaryDirectory(prefix="rom-test-") as place,
        EmbeddedPostgres(_passable(place), durable=False) as server,
        ExitStack() as databases,
    ):
        children = os.environ.get("WORKERS", "2")
        urls = [databases.enter_context(fresh_database(server)) for _ in range(int(children))]
        for url in urls:
            _prepare(url, Path(place) / "kept")
        environment = {
            **os.environ,
            RUNNING_SERVER: place,
            LENT: " ".join(urls),
            READY: str(Path(place) / "kept"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        try:
            subprocess.run(  # noqa: S603 - the tool of our own environment
                [MUTMUT, "run", "--max-children", children, *patterns],
                cwd=ROOT, env=environment, timeout=LIMIT_SECONDS, check=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            sys.stdout.write(f"\nNot through in {LIMIT_SECONDS} s; the rest counts as missed.\n")
    return told(results())


def _prepare(url: str, file: Path) -> None:
    """Keep what most tests begin with, so that no mistake has to bring it about by itself."""
    engine = engine_at(url)
    kept = Kept(engine, TABLES)
    with patch.dict(os.environ, {VARIABLE: str(PLATFORMS)}):
        Plant(engine, kept).serve()
    kept.save(file)
    engine.dispose()


def _passable(place: str) -> Path:
    """Return the directory, which PostgreSQL's user may pass from now on."""
    Path(place).chmod(0o711)
    return Path(place)


def left(pattern: str) -> list[str]:
    """Return what a pattern means and nobody has seen; itself where nothing is planted yet."""
    known = {
        name: fate
        for fates in results().values()
        for name, fate in fates.items()
        if fnmatch(name, pattern)
    }
    return [name for name, fate in known.items() if fate not in SEEN] if known else [pattern]


def results() -> dict[str, dict[str, str]]:
    """Return by module what became of each of its mistakes, by its name."""
    return {
        str(file.relative_to(MUTANTS)).removesuffix(".meta"): {
            name: status_by_exit_code[code]
            for name, code in json.loads(file.read_text())["exit_code_by_key"].items()
        }
        for file in sorted(MUTANTS.rglob("*.py.meta"))
    }


def told(found: Mapping[str, Mapping[str, str]]) -> int:
    """Print the figures, list what nobody has seen, and return the exit code."""
    lines = [f"{'module':34}{'planted':>9}{'seen':>7}{'missed':>8}{'':>7}"]
    planted = missed = 0
    for module, fates in found.items():
        count = Counter(fates.values())
        unseen = sum(number for fate, number in count.items() if fate not in SEEN)
        planted, missed = planted + len(fates), missed + unseen
        lines.append(
            f"{module:34}{len(fates):9}{len(fates) - unseen:7}{unseen:8}"
            f"{_share(len(fates), unseen):>7}"
        )
    lines.append(f"{'all':34}{planted:9}{planted - missed:7}{missed:8}{_share(planted, missed):>7}")
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    unseen_names = [
        f"{fate}: {name}"
        for fates in found.values()
        for name, fate in fates.items()
        if fate not in SEEN or fate == LATE
    ]
    (MUTANTS / MISSED).write_text("\n".join([*unseen_names, ""]))
    sys.stdout.write(f"What nobody has seen is in mutants/{MISSED}; `mutmut show NAME` shows it.\n")
    late = sum(name.startswith(LATE) for name in unseen_names)
    if late:
        sys.stdout.write(
            f"{late} of those that count as seen took too long; they are there, too.\n"
        )
    enough = planted > 0 and missed <= (1 - NEEDED) * planted
    if not enough:
        sys.stdout.write("Fewer than nine in ten are seen.\n")
    return 0 if enough else 1


def _share(planted: int, missed: int) -> str:
    return f"{100 * (planted - missed) / planted:.1f}%" if planted else "-"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
