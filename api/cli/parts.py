"""The parts of the command line, each imported when it is used: ``rom --help`` answers at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter


@dataclass(frozen=True, slots=True)
class Part:
    """A command, or a group of them: ``app`` of the module of its name, or the function."""

    help: str
    is_group: bool = True


PARTS: Mapping[str, Part] = {
    "serve": Part("Run the gateway until Ctrl-C.", is_group=False),
    "demo": Part("Take one pilot order to a proven site, at most a minute.", is_group=False),
    "order": Part("Submit, show, list, retry and cancel orders."),
    "site": Part("Show, compare, repair and roll back one site."),
    "device": Part("Add, test and trust devices, check them for drift."),
    "events": Part("See to whom events go, and send lost ones again."),
    "inventory": Part("Load resources and devices, look at pools."),
    "catalog": Part("Check products before they are used."),
    "doctor": Part("Examine settings, database, key, devices, disk.", is_group=False),
    "key": Part("Show and change the master key."),
    "lab": Part("Run the simulated lab by itself."),
    "profile": Part("Make and check profiles from YANG modules."),
    "som": Part("Play the service order manager."),
    "audit": Part("See who has done what, and whether the trail is whole."),
    "secret": Part("Enter, rotate and delete the passwords of devices."),
    "token": Part("Make, list and take back tokens."),
}


class Parts(TyperGroup):
    """The whole command line; in its own help the parts stand with their first words only."""

    _shows_help = False

    def list_commands(self, ctx: "Context") -> list[str]:  # noqa: ARG002 - Typer's signature
        """Return the parts' names in the order in which help shows them."""
        return list(PARTS)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":  # noqa: ARG002
        """Return a part's command, imported now unless only its help is wanted."""
        part = PARTS.get(cmd_name)
        if part is None:
            return None
        if self._shows_help:
            return TyperCommand(cmd_name, help=part.help)
        return _command(cmd_name, part)

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the help without importing what nobody has asked for."""
        self._shows_help = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._shows_help = False


def _command(name: str, part: Part) -> "Command":
    module = import_module(f"api.cli.{name}")
    if part.is_group:
        found: Command = typer.main.get_command(module.app)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command()(getattr(module, name))
        found = typer.main.get_command(alone)
    found.name = name
    found.help = part.help if part.is_group else found.help or part.help
    return found
