"""Lists whose order the user gives (RFC 7950 section 7.7.7), which a tree cannot hold."""

from collections.abc import Iterable

from device_profiles.errors import ProfileError
from device_profiles.profile import Profile
from device_profiles.steps import parse_step, schema_path
from device_profiles.tree import Path, path_text


def refuse_order(profile: Profile, paths: Iterable[Path]) -> None:
    """Raise ProfileError where ``paths`` put two entries into one user-ordered list.

    One entry is appended to what is there. Of two, nobody could say which comes first.
    """
    ordered = profile.yang.user_ordered if profile.yang is not None else frozenset[str]()
    if not ordered:
        return
    first: dict[tuple[Path, str], str] = {}
    for path in paths:
        step = parse_step(path[-1])
        if not step.keys or schema_path(path) not in ordered:
            continue
        entry = first.setdefault((path[:-1], step.name), path[-1])
        if entry != path[-1]:
            raise ProfileError(
                f"{path_text(path)}: {entry} is in the same list, whose order says something "
                "(yang.user_ordered) and would be lost; a template may write one entry of it"
            )
