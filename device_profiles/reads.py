"""Which items of a site a fragment's templates read, so that an order without them is refused."""

import re
from functools import lru_cache
from pathlib import Path as FilePath

from device_profiles.profile import Profile, Stamp, fragment_file

_READ = re.compile(r"\bitem\.([A-Za-z]\w*)")
_ASKED = re.compile(r"\bitem\.([A-Za-z]\w*)(?:\.\w+)* is (?:not )?defined")
_COMMENTS = {".yaml": re.compile(r"(?m)^\s*#.*$"), ".j2": re.compile(r"(?s)\{#.*?#\}")}


def items_read(profile: Profile, fragment: str) -> frozenset[str]:
    """Return the keys of the items that a fragment reads; what it asks for first is left out."""
    file = fragment_file(profile, fragment)
    return frozenset() if file is None else _read(file, profile.stamp)


@lru_cache(maxsize=256)
def _read(file: FilePath, _stamp: Stamp) -> frozenset[str]:
    text = _COMMENTS[file.suffix].sub("", file.read_text(encoding="utf-8"))
    return frozenset(_READ.findall(text)) - set(_ASKED.findall(text))
