"""Where profiles lie: those that ship, and those of an operator's own folder beside them."""

import os
from pathlib import Path

from device_profiles.errors import ProfileError

SHIPPED = Path(__file__).parent
VARIABLE = "ROM_PROFILES_DIR"
"""Names the operator's folder to every program that reads profiles, unless it chooses one."""
_FILE = "profile.yaml"
_chosen: list[Path] = []


def choose_own_folder(folder: Path | None) -> None:
    """Let this process read profiles from ``folder`` too; ``None``: from what VARIABLE names."""
    _chosen[:] = [] if folder is None else [folder]


def folders() -> tuple[Path, ...]:
    """Return every folder of profiles, the shipped one first."""
    named = os.environ.get(VARIABLE)
    own = _chosen or ([Path(named)] if named else [])
    return (SHIPPED, *own)


def names_in(folder: Path) -> tuple[str, ...]:
    """Return the names of all profiles below ``folder``, sorted."""
    return tuple(sorted(file.parent.name for file in folder.glob(f"*/{_FILE}")))


def folder_of(name: str) -> Path:
    """Return the folder that holds a profile; the shipped one where none does."""
    return next((one for one in folders() if (one / name / _FILE).is_file()), SHIPPED)


def check_folders() -> None:
    """Raise ProfileError for a folder that is none, and for a profile that is there twice."""
    first: dict[str, Path] = {}
    for folder in folders():
        if not folder.is_dir():
            raise ProfileError(f"{folder}: is no folder; make it, or correct {VARIABLE}")
        for name in names_in(folder):
            if name in first:
                raise ProfileError(
                    f"{folder / name / _FILE}: name: {name!r} is in {first[name]} already; "
                    "give the folder and the profile another name"
                )
            first[name] = folder
