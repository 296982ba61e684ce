"""``rom profile``: what a platform's YANG modules say, and whether its profile says the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.exits import Exit, fail
from api.cli.options import AsJson
from api.cli.output import output
from api.cli.text import safe
from device_profiles.errors import ProfileError
from device_profiles.folders import check_folders
from device_profiles.judging import Remark, mistakes, unproven
from device_profiles.profile import Profile, check_profile

if TYPE_CHECKING:
    from device_profiles.yang_modules.differences import Difference
    from device_profiles.yang_modules.schema import Schema

app = typer.Typer(no_args_is_help=True, add_completion=False)

ProfileName = Annotated[str, typer.Argument(metavar="PROFILE", help="A profile's name or folder.")]
_MODULES = typer.Option(
    "--modules",
    exists=True,
    file_okay=False,
    help="A folder with the platform's .yang files; may be given several times.",
)
Modules = Annotated[list[Path], _MODULES]
ModulesIfAny = Annotated[list[Path] | None, _MODULES]
Features = Annotated[
    list[str] | None,
    typer.Option(
        "--feature",
        metavar="MODULE:FEATURE",
        help="The module has only the features so named (default: all); none: MODULE:. Repeatable.",
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
    profile: ProfileName,
    *,
    modules: ModulesIfAny = None,
    feature: Features = None,
    json: AsJson = False,
) -> None:
    """Judge PROFILE, with --modules by its platform's YANG modules too. Exit 1 if it is wrong.

    Every mistake comes with its mend: broken templates, names that no template sees, and whatever
    the yang: part, fragments, checks and health say otherwise than the modules do. What nothing
    proves is told and is no mistake.
    """
    known = _profile(profile)
    found: list[Difference | Remark] = list(mistakes(known))
    if modules:
        schema = _schema(modules, feature or [])
        from device_profiles.yang_modules.check import differences

        try:
            found += differences(schema, known)
        except ProfileError as error:
            raise fail(str(error)) from error
    _show(known, found, compared=bool(modules), json=json)
    raise typer.Exit(Exit.FAILED if found else Exit.COMPLETED)


def _show(
    profile: Profile, found: "Sequence[Difference | Remark]", *, compared: bool, json: bool
) -> None:
    if json:
        rows = [{"field": one.field, "reason": one.reason, "mend": one.mend} for one in found]
        output().print_json(data={"profile": profile.name, "differences": rows})
        return
    untold = () if compared else unproven(profile)
    for one in (*found, *untold):
        typer.echo(safe(f"{one.field}\n    {one.reason}\n    {one.mend}"))
    if compared:
        said = f"differs from the modules: {len(found)}" if found else "agrees with the modules"
    else:
        said = f"is wrong: {len(found)}" if found else "can be used"
    typer.echo(f"Profile {profile.name} {said}")


def _profile(named: str) -> Profile:
    folder = Path(named)
    try:
        if (folder / "profile.yaml").is_file():
            return check_profile(folder.resolve().name, folder.resolve().parent)
        check_folders()
        return check_profile(named)
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
