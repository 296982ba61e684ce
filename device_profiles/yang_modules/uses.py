"""Which schema nodes a profile uses: in its fragments' templates, its checks and its health."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from device_profiles.profile import Profile, fragment_file, load_yaml
from device_profiles.render import GIVEN, WHEN, template_step

_SAME_KEYS = re.compile(r"\{\d+\}$")


@dataclass(frozen=True, slots=True)
class Use:
    """One node that a profile names, and how."""

    where: str
    """The file of the profile's folder, or the field of ``profile.yaml``."""
    path: str
    keys: tuple[str, ...] | None = ()
    """Keys written with the last step; ``None`` where none are written on purpose."""
    creates: bool = False
    """A template makes this list entry, so a read of it brings all that is in it."""
    valued: bool = False
    """A template gives it a value."""


def uses(profile: Profile) -> tuple[Use, ...]:
    """Return every node the profile names. Raises ProfileError naming a file with a wrong step."""
    return (*_of_fragments(profile), *_of_checks(profile), *_of_health(profile))


def _of_fragments(profile: Profile) -> Iterator[Use]:
    for fragment in profile.fragments:
        file = fragment_file(profile, fragment)
        if file is None or file.suffix != ".yaml":
            continue
        where = f"fragments/{file.name}"
        document = load_yaml(file)
        yield from _below(where, "", document.get("own"))
        for entry in document.get("shared") or ():
            *above, last = entry["root"]
            path = ""
            for source in above:
                use = _use(where, path, source)
                path = use.path
                yield use
            yield from _node(where, path, last, entry.get("tree"))


def _below(where: str, path: str, content: Any) -> Iterator[Use]:
    if isinstance(content, dict):
        for source, child in content.items():
            if source not in (WHEN, GIVEN):
                yield from _node(where, path, source, child)


def _node(where: str, path: str, source: Any, content: Any) -> Iterator[Use]:
    given = isinstance(content, dict) and bool(content.get(GIVEN))
    valued = content is not None and not isinstance(content, dict)
    use = _use(where, path, source, creates=not given, valued=valued)
    yield use
    yield from _below(where, use.path, content)


def _use(where: str, path: str, source: Any, *, creates: bool = False, valued: bool = False) -> Use:
    step = template_step(source, where)
    keys = tuple(key for key, _ in step.keys)
    return Use(where, f"{path}/{step.name}", keys, creates and bool(keys), valued)


def _of_checks(profile: Profile) -> Iterator[Use]:
    for fragment, checks in profile.checks.items():
        for check in checks:
            where = f"checks.{fragment}.{check.name}.path"
            path = ""
            for source in check.path:
                use = _use(where, path, source)
                path = use.path
                yield use


def _of_health(profile: Profile) -> Iterator[Use]:
    for place, health in enumerate(profile.health):
        state = "".join(f"/{_SAME_KEYS.sub('', step)}" for step in health.state)
        yield Use(f"health.{place}.entry", health.entry, keys=None)
        yield Use(f"health.{place}.state", state, keys=None)
