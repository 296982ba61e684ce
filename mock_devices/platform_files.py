"""Where files that describe simulated platforms lie: the shipped ones, and one's own.

One's own lie beside a topology, in folders called as the shipped ones are: ``platforms`` for
command languages, ``schemas`` for NETCONF.
"""

from pathlib import Path

COMMAND_LINES = Path(__file__).parent / "cli" / "platforms"
SCHEMAS = Path(__file__).parent / "schemas"
_own: list[Path] = []


class PlatformFileError(Exception):
    """A platform's file cannot be used; the text names the file and the mend."""


def look_beside(topology: Path) -> None:
    """Find platforms beside a topology's file too, for the whole process.

    Raises PlatformFileError for a file with the name of a shipped platform.
    """
    for shipped in (COMMAND_LINES, SCHEMAS):
        for file in sorted((topology.parent / shipped.name).glob("*.yaml")):
            if (shipped / file.name).exists():
                raise PlatformFileError(f"{file}: {file.stem} is a shipped platform; rename it")
    _own[:] = [topology.parent]


def platform_file(name: str, shipped: Path) -> Path:
    """Return a platform's file in the ``shipped`` folder or one's own.

    Raises PlatformFileError when there is none.
    """
    places = (shipped, *(folder / shipped.name for folder in _own))
    for place in places:
        if (place / f"{name}.yaml").is_file():
            return place / f"{name}.yaml"
    named = f"{shipped.name}/{name}.yaml"
    raise PlatformFileError(f"there is no platform {name}; write {named} beside the topology")
