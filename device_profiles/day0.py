"""What a unit fetches at its first boot, before it has any configuration of its own."""

import re
from functools import lru_cache
from pathlib import Path as FilePath

from device_profiles.environment import render_text
from device_profiles.errors import ProfileError
from device_profiles.profile import Profile, Stamp

_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_/-]+")


def day0_file(profile: Profile, base_url: str, site: str) -> bytes:
    """Return the platform's day-0 file: a script, or what stands before a plain configuration.

    Its template sees ``base_url``, below which the gateway serves the rest of the way, such as
    ``http://192.0.2.80/ztp/v1/<token>``, and the key of the ``site``. Secrets stay references.
    Raises ProfileError for a platform without one, and for a URL that could break out of a
    script or a command line.
    """
    if not profile.day0:
        raise ProfileError(f"profile {profile.name} has no day0: its units fetch nothing")
    if not _URL.fullmatch(base_url):
        raise ProfileError("not a plain http URL")
    file = profile.folder / profile.day0
    names = {"base_url": base_url.rstrip("/"), "site": site, "tables": profile.tables}
    return (
        render_text(_source(file, profile.stamp), names, f"{profile.name}/{file.name}") + "\n"
    ).encode()


@lru_cache(maxsize=64)
def _source(file: FilePath, _stamp: Stamp) -> str:
    return file.read_text(encoding="utf-8")
