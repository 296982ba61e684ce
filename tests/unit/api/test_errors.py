"""One tree of errors, one table to HTTP, one to exit codes: none is missing in any."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rom
from api.cli.exits import EXITS, answered
from api.errors import STATUS
from rom.model import errors
from rom.model.errors import RomError

ROM = Path(rom.__file__).parent
LOCAL = {errors.Misconfigured, errors.DatabaseUnavailable}
"""A server cannot start with them, so that a command has nobody to talk to: refused, not failed."""

NEVER_AT_A_FACE = {
    "AlreadyOpen": "becomes RollbackOpen or CancelImpossible where the task is made",
    "CatalogError": "becomes Misconfigured where a folder is read or the gateway starts",
    "CharacteristicError": "becomes OrderRefused where the order is judged",
    "ContextError": "holds the item with its text as the note",
    "ExpressionError": "holds the item, or becomes SpecificationFileError",
    "FencedOff": "ends a writer that is no longer the device's",
    "HostKeyMismatch": "an AdapterError: holds the items of a router, or is told beside the device",
    "HostKeyUnknown": "an AdapterError: holds the items of a router, or is told beside the device",
    "NoDevice": "an AdapterError, told beside the device or as DeviceFailed",
    "Overtaking": "a shortage of inventory's: waits for resources, or becomes NotEnough",
    "PydanticCustomError": "a setting's validator: refused in words where the settings are read",
    "SecretUnavailable": "an AdapterError, told beside the device or as DeviceFailed",
    "SessionLost": "an AdapterError; the outcome is found out by reading the device",
    "SpecificationFileError": "becomes Misconfigured or DocumentRefused",
    "SweepFailed": "the supervised boundary of the sweep tells readiness",
    "UnknownSpecification": "becomes OrderRefused where the order is judged",
    "WorkerEnded": "ends the worker's own loop",
    "ZtpRefused": "the bootstrap server answers an empty 403 to everything",
}
"""What rom catches itself, or answers by a rule of its own."""
PLAIN = {
    "catalog": "pydantic's validators, and reading of values: CharacteristicError carries the text",
    "model": "pure functions refuse what callers must not pass; order dates are caught in parse",
    "vault": "a master key that is too short becomes Misconfigured",
    "events": "faults of our own, never what somebody has sent",
}
"""Rooms that raise ``ValueError`` itself, and why none of those reaches a face."""


def tree(kind: type[RomError]) -> Iterator[type[RomError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


def test_every_error_of_the_tree_has_a_status_and_an_exit_code_of_its_own() -> None:
    whole = set(tree(RomError))
    assert len(whole) > 30
    assert set(STATUS) == whole
    assert set(EXITS) == whole


def test_the_tree_that_the_module_draws_is_the_tree_there_is() -> None:
    drawn = errors.__doc__ or ""
    assert {kind.__name__ for kind in tree(RomError) if kind.__name__ not in drawn} == set()


@pytest.mark.parametrize("kind", sorted(set(tree(RomError)) - LOCAL, key=str))
def test_a_command_ends_the_same_with_and_without_a_server(kind: type[RomError]) -> None:
    assert EXITS[kind] is answered(STATUS[kind])


@pytest.mark.parametrize("kind", sorted(tree(RomError), key=str))
def test_every_error_says_what_it_is_and_how_to_mend_it(kind: type[RomError]) -> None:
    assert kind.__doc__
    assert kind.code
    below = kind.__subclasses__()
    says_itself = "__init__" in vars(kind) or any("__init__" in vars(k) for k in kind.__mro__[1:-3])
    assert below or kind.mend or says_itself or kind in (errors.Misconfigured, errors.NotEnough)


def raised() -> Iterator[tuple[str, str, str]]:
    """Every ``raise`` of rom: its room, where, and what it raises by name."""
    for file in sorted(ROM.rglob("*.py")):
        if "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Raise) or node.exc is None:
                continue
            made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(made, ast.Name) and made.id[0].isupper():
                inside = file.relative_to(ROM)
                yield inside.parts[0], f"{inside}:{node.lineno}", made.id


def test_rom_raises_nothing_that_a_face_would_not_know() -> None:
    known = {kind.__name__ for kind in tree(RomError)}
    seen = list(raised())
    assert len(seen) > 100
    strange = [
        f"{where} raises {name}"
        for room, where, name in seen
        if name not in known
        and name not in NEVER_AT_A_FACE
        and not (name == "ValueError" and room in PLAIN)
    ]
    assert strange == []
    names = {name for _, _, name in seen}
    assert set(NEVER_AT_A_FACE) <= names, "a name here is raised nowhere any more"
    assert set(PLAIN) <= {room for room, _, name in seen if name == "ValueError"}
