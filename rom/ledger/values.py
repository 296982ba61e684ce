"""Values as a device shows them, and whether they are what was wanted. Pure."""

from device_profiles.tree import DIGEST_PREFIX, SECRET_PREFIX
from rom.model.effect import NetEffect


def is_digest(value: str | None) -> bool:
    """Tell whether only the digest of a value is known."""
    return value is not None and value.startswith(DIGEST_PREFIX)


def satisfied(now: str | None, wanted: str, effect: NetEffect | None) -> bool:
    """Tell whether the device already holds ``wanted``; a secret is known by what it read back."""
    if wanted.startswith(SECRET_PREFIX):
        return (
            effect is not None
            and effect.intended == wanted
            and now is not None
            and now == effect.read_back
        )
    return now == wanted


def took(wanted: str | None, read_back: str | None) -> bool:
    """Tell whether a value sent is what the device shows afterwards."""
    if wanted is not None and wanted.startswith(SECRET_PREFIX):
        return read_back is not None and read_back.startswith(DIGEST_PREFIX)
    return wanted == read_back
