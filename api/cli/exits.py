"""Exit codes, and the one way a command fails."""

from collections.abc import Mapping
from enum import IntEnum

import typer
from rich.console import Console

from api.cli.text import safe
from rom.model import errors
from rom.model.errors import RomError

COMPLAINTS = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
_SERVER_FAULTS = 500


class Exit(IntEnum):
    """What the exit code of every command means."""

    COMPLETED = 0
    FAILED = 1  # also partial, cancelled, or not done in time
    REFUSED = 2  # wrong usage, an order that is not taken, or no gateway to talk to


EXITS: Mapping[type[RomError], Exit] = {
    errors.RomError: Exit.FAILED,
    errors.Invalid: Exit.REFUSED,
    errors.OrderRefused: Exit.REFUSED,
    errors.PatchRefused: Exit.REFUSED,
    errors.PatchTestFailed: Exit.REFUSED,
    errors.ChangeRefused: Exit.REFUSED,
    errors.DocumentRefused: Exit.REFUSED,
    errors.SearchRefused: Exit.REFUSED,
    errors.CallbackRefused: Exit.REFUSED,
    errors.BadQuery: Exit.REFUSED,
    errors.NotABoundary: Exit.REFUSED,
    errors.InventoryRefused: Exit.REFUSED,
    errors.Misconfigured: Exit.REFUSED,
    errors.OutOfScope: Exit.REFUSED,
    errors.NotFound: Exit.REFUSED,
    errors.UnknownTarget: Exit.REFUSED,
    errors.Unknown: Exit.REFUSED,
    errors.UnknownOrder: Exit.REFUSED,
    errors.UnknownItem: Exit.REFUSED,
    errors.UnknownCancellation: Exit.REFUSED,
    errors.UnknownSite: Exit.REFUSED,
    errors.UnknownRollback: Exit.REFUSED,
    errors.UnknownDevice: Exit.REFUSED,
    errors.UnknownResource: Exit.REFUSED,
    errors.UnknownSpecificationId: Exit.REFUSED,
    errors.UnknownListener: Exit.REFUSED,
    errors.UnknownDeadLetter: Exit.REFUSED,
    errors.UnknownDeed: Exit.REFUSED,
    errors.UnknownSecret: Exit.REFUSED,
    errors.Conflict: Exit.REFUSED,
    errors.KeyReused: Exit.REFUSED,
    errors.IllegalTransition: Exit.REFUSED,
    errors.StaleState: Exit.REFUSED,
    errors.NotPossible: Exit.REFUSED,
    errors.CancelImpossible: Exit.REFUSED,
    errors.NotEnough: Exit.REFUSED,
    errors.SpecificationInUse: Exit.REFUSED,
    errors.DuplicateListener: Exit.REFUSED,
    errors.TooManyListeners: Exit.REFUSED,
    errors.RollbackOpen: Exit.REFUSED,
    errors.OrderUnderWay: Exit.REFUSED,
    errors.TargetGone: Exit.REFUSED,
    errors.PreviewDiffers: Exit.REFUSED,
    errors.RollbackConflicts: Exit.REFUSED,
    errors.RepairOverwrites: Exit.REFUSED,
    errors.SecretInUse: Exit.REFUSED,
    errors.HostKeyDiffers: Exit.REFUSED,
    errors.CredentialRefused: Exit.REFUSED,
    errors.Unavailable: Exit.FAILED,
    errors.DevicesBusy: Exit.FAILED,
    errors.DeviceFailed: Exit.FAILED,
    errors.DatabaseUnavailable: Exit.REFUSED,
    errors.IssuerUnavailable: Exit.FAILED,
}
"""How a command ends that works without a server; a test holds that no error is missing."""


def fail(message: str, code: Exit = Exit.REFUSED) -> typer.Exit:
    """Print ``message`` to standard error and return the exception to raise."""
    COMPLAINTS.print(safe(message), style="red")
    return typer.Exit(code)


def failed(error: RomError) -> typer.Exit:
    """Print an error of the domain and return the exception to raise, by the one table."""
    return fail(str(error), EXITS[type(error)])


def answered(status: int) -> Exit:
    """Return the exit code for an error that a server has answered with this HTTP status."""
    return Exit.FAILED if status >= _SERVER_FAULTS else Exit.REFUSED
