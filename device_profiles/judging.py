"""A profile judged by itself, before a device is there: what is wrong, what is missing."""

from collections.abc import Iterator
from dataclasses import dataclass

from device_profiles.environment import names_of
from device_profiles.errors import ProfileError
from device_profiles.profile import Profile, fragment_file, load_yaml

SEEN = frozenset(
    {"site", "customer", "network", "item", "res", "circuit_id", "ztp", "device", "tables"}
)
"""What templates see of a site."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about a profile, with the file or field and the mend."""

    field: str
    reason: str
    mend: str


def mistakes(profile: Profile) -> Iterator[Remark]:
    """Iterate over what would fail at the first order: broken templates and unknown names."""
    for where, text in _templates(profile):
        try:
            unknown = names_of(text) - SEEN
        except ProfileError as error:
            yield Remark(where, f"is no template: {error}", "correct it")
            continue
        for name in sorted(unknown):
            yield Remark(where, f"there is no {name}", f"use one of {', '.join(sorted(SEEN))}")


def unproven(profile: Profile) -> Iterator[Remark]:
    """Iterate over fragments that nothing proves, which is allowed and told in every order."""
    for fragment in profile.fragments:
        if fragment not in profile.checks:
            yield Remark(
                f"checks.{fragment}",
                "nothing proves this fragment; items complete with the note NO_CHECK",
                "add a check, unless another device proves it",
            )


def _templates(profile: Profile) -> Iterator[tuple[str, str]]:
    for fragment in profile.fragments:
        file = fragment_file(profile, fragment)
        if file is None:
            continue
        texts = _texts(load_yaml(file)) if file.suffix == ".yaml" else (file.read_text("utf-8"),)
        yield from ((f"fragments/{file.name}", text) for text in texts)
    for fragment, asked in profile.checks.items():
        for check in asked:
            parts = (*check.path, check.command, check.pattern, check.expect)
            yield from ((f"checks.{fragment}.{check.name}", text) for text in parts)
    if profile.circuit_id is not None:
        yield "circuit_id.text", profile.circuit_id.text


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
