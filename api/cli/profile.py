"""``rom profile``: what a platform's YANG modules say, and whether its profile says the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.exits import Exit, fail
from api.cli.options import AsJson
from api.cli.output import output
from api.cli.text import safe
from device_profiles.errors import ProfileError
from device_profiles.profile import Profile, load_profile

if TYPE_CHECKING:
    from device_profiles.yang_modules.differences import Difference
    from device_profiles.yang_modules.schema import Schema

app = typer.Typer(no_args_is_help=True, help="Make and check profiles from YANG modules.")

ProfileName = Annotated[
    str, typer.Argument(metavar="PROFILE", help="A shipped profile's name, or a profile's folder.")
]
Modules = Annotated[
    list[Path],
    typer.Option(
        "--modules",
        exists=True,
        file_okay=False,
        help="A folder with the platform's .yang files; may be given several times.",
    ),
]
Features = Annotated[
    list[str] | None,
    typer.Option(
        "--feature",
        metavar="MODULE:FEATURE",
        help="The module has only the features so named [default: all]; none: MODULE:. Repeatable.",
    ),
]


@app.command()
def yang(
    profile: ProfileName,
    *,
    modules: Modules,
    feature: Features = None,
    path: Annotated[
        list[str] | None,
        typer.Option("--path", help="A schema path; all below it goes in too. Repeatable."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what the profile's part names now.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into profile.yaml instead of printing it.")
    ] = False,
) -> None:
    """Make the yang: part of PROFILE from YANG modules.

    It names what the profile's fragments, checks and health use, all structure inside the list
    entries that they make, and what the part names already. The same profile and modules give the
    same text.
    """
    known = _profile(profile)
    schema = _schema(modules, feature or [])
    # Imported here because pyang is needed by these commands only.
    from device_profiles.yang_modules.part import make_part
    from device_profiles.yang_modules.text import part_text, with_part

    file = known.folder / "profile.yaml"
    try:
        text = part_text(make_part(schema, known, paths=path or [], keep=not fresh))
        if write:
            before = file.read_text(encoding="utf-8")
            file.write_text(with_part(before, text), encoding="utf-8")
    except (ProfileError, OSError) as error:
        raise fail(str(error)) from error
    typer.echo(f"{file} has its yang: part" if write else text, nl=write)


@app.command()
def check(
    profile: ProfileName, *, modules: Modules, feature: Features = None, json: AsJson = False
) -> None:
    """Compare PROFILE with YANG modules, every difference with its mend. Exit 1 if there are any.

    Looks at the yang: part and at all paths in fragments, checks and health.
    """
    known = _profile(profile)
    schema = _schema(modules, feature or [])
    from device_profiles.yang_modules.check import differences

    try:
        found = differences(schema, known)
    except ProfileError as error:
        raise fail(str(error)) from error
    _show(known, found, json=json)
    raise typer.Exit(Exit.FAILED if found else Exit.COMPLETED)


def _show(profile: Profile, found: "tuple[Difference, ...]", *, json: bool) -> None:
    if json:
        rows = [{"field": one.field, "reason": one.reason, "mend": one.mend} for one in found]
        output().print_json(data={"profile": profile.name, "differences": rows})
        return
    for one in found:
        typer.echo(safe(f"{one.field}\n    {one.reason}\n    {one.mend}"))
    said = f"differs from the modules: {len(found)}" if found else "agrees with the modules"
    typer.echo(f"Profile {profile.name} {said}")


def _profile(named: str) -> Profile:
    folder = Path(named)
    try:
        if (folder / "profile.yaml").is_file():
            return load_profile(folder.resolve().name, folder.resolve().parent)
        return load_profile(named)
    except ProfileError as error:
        raise fail(str(error)) from error


def _schema(folders: list[Path], features: list[str]) -> "Schema":
    try:
        from device_profiles.yang_modules.compiled import compiled
    except ModuleNotFoundError as error:
        if error.name != "pyang":
            raise
        raise fail("pyang is not installed; run: pip install 'rom-gateway[yang]'") from error
    try:
        texts = {
            file.name: file.read_text(encoding="utf-8")
            for folder in folders
            for file in sorted(folder.glob("*.yang"))
        }
        if not texts:
            raise fail(f"{', '.join(map(str, folders))}: no .yang files there")
        return compiled(texts, features)
    except (ProfileError, OSError, UnicodeDecodeError) as error:
        raise fail(str(error)) from error
