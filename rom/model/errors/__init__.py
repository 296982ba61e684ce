"""What can be refused, be missing or go wrong, in the words that every face passes on.

::

    RomError
    ├── Invalid                     it breaks a rule; the same again is refused again
    │   ├── OrderRefused            an order or a cancellation; names the field
    │   ├── PatchRefused            a patch that is malformed or does not fit
    │   │   └── PatchTestFailed     its test found another value
    │   ├── ChangeRefused           an attribute of a resource that clients may not set so
    │   ├── DocumentRefused         a TMF634 document that is no specification
    │   ├── SearchRefused           a filter that the database cannot answer
    │   ├── CallbackRefused         a listener's URL that is not allowed
    │   ├── BadQuery                a listener's query that is not understood
    │   ├── InventoryRefused        an inventory file, with every finding
    │   ├── NotABoundary            a rollback's target in the middle of an order
    │   └── Misconfigured           a setting, or a file that a setting names
    ├── OutOfScope                  beyond the client's limits, or not there: which is not said
    ├── NotFound
    │   ├── UnknownTarget           no such place to roll a site back to
    │   └── Unknown                 nothing has this identifier
    │       └── UnknownOrder, UnknownItem, UnknownCancellation, UnknownSite, UnknownRollback,
    │           UnknownDevice, UnknownResource, UnknownSpecificationId, UnknownListener,
    │           UnknownDeadLetter, UnknownDeed, UnknownSecret
    ├── Conflict                    not in the present state
    │   ├── KeyReused               an Idempotency-Key that came with another body before
    │   ├── IllegalTransition       a change of state that the life does not draw
    │   ├── StaleState              somebody else was faster
    │   ├── NotPossible             the order's or item's state does not let it happen
    │   ├── CancelImpossible        the order cannot be cancelled as asked
    │   ├── NotEnough               a pool has too little left
    │   ├── SpecificationInUse      a specification that sites or orders need
    │   ├── DuplicateListener       the same callback and query are there
    │   ├── TooManyListeners        the bound on listeners is reached
    │   ├── RollbackOpen            the site has a rollback under way
    │   ├── OrderUnderWay           an order of the site is not final
    │   ├── TargetGone              the target needs what has been given back
    │   ├── PreviewDiffers          a rollback would do something else than was shown
    │   ├── SecretInUse             a secret that devices name
    │   ├── HostKeyDiffers          a device shows another host key than it should
    │   ├── CredentialRefused       devices do not take a new credential
    │   ├── RepairOverwrites        a repair would replace what others have set, for no reason
    │   └── RollbackConflicts       the policy does not let the rollback go
    └── Unavailable                 nothing is wrong with what was asked
        ├── DevicesBusy             devices have not taken a change in time
        ├── DeviceFailed            a device failed; the code is the adapter's
        ├── DatabaseUnavailable     PostgreSQL does not run or does not answer
        └── IssuerUnavailable       no access token can be judged

``api.errors`` has the one table from these classes to HTTP, ``api.cli.exits`` that to exit codes.
What rom itself catches (``FencedOff``, ``AlreadyOpen``, the catalog's errors) is no part of it.
"""

from rom.model.errors.conflict import (
    CancelImpossible,
    Conflict,
    CredentialRefused,
    DuplicateListener,
    HostKeyDiffers,
    IllegalTransition,
    KeyReused,
    NotEnough,
    NotPossible,
    OrderUnderWay,
    PreviewDiffers,
    RepairOverwrites,
    RollbackConflicts,
    RollbackOpen,
    SecretInUse,
    SpecificationInUse,
    StaleState,
    TargetGone,
    TooManyListeners,
)
from rom.model.errors.invalid import (
    BadQuery,
    CallbackRefused,
    ChangeRefused,
    DocumentRefused,
    Invalid,
    InventoryRefused,
    Misconfigured,
    NotABoundary,
    OrderRefused,
    OutOfScope,
    PatchRefused,
    PatchTestFailed,
    SearchRefused,
)
from rom.model.errors.missing import (
    NotFound,
    Unknown,
    UnknownCancellation,
    UnknownDeadLetter,
    UnknownDeed,
    UnknownDevice,
    UnknownItem,
    UnknownListener,
    UnknownOrder,
    UnknownResource,
    UnknownRollback,
    UnknownSecret,
    UnknownSite,
    UnknownSpecificationId,
    UnknownTarget,
)
from rom.model.errors.root import (
    RomError,
)
from rom.model.errors.unavailable import (
    DatabaseUnavailable,
    DeviceFailed,
    DevicesBusy,
    IssuerUnavailable,
    Unavailable,
)

__all__ = [
    "BadQuery",
    "CallbackRefused",
    "CancelImpossible",
    "ChangeRefused",
    "Conflict",
    "CredentialRefused",
    "DatabaseUnavailable",
    "DeviceFailed",
    "DevicesBusy",
    "DocumentRefused",
    "DuplicateListener",
    "HostKeyDiffers",
    "IllegalTransition",
    "Invalid",
    "InventoryRefused",
    "IssuerUnavailable",
    "KeyReused",
    "Misconfigured",
    "NotABoundary",
    "NotEnough",
    "NotFound",
    "NotPossible",
    "OrderRefused",
    "OrderUnderWay",
    "OutOfScope",
    "PatchRefused",
    "PatchTestFailed",
    "PreviewDiffers",
    "RepairOverwrites",
    "RollbackConflicts",
    "RollbackOpen",
    "RomError",
    "SearchRefused",
    "SecretInUse",
    "SpecificationInUse",
    "StaleState",
    "TargetGone",
    "TooManyListeners",
    "Unavailable",
    "Unknown",
    "UnknownCancellation",
    "UnknownDeadLetter",
    "UnknownDeed",
    "UnknownDevice",
    "UnknownItem",
    "UnknownListener",
    "UnknownOrder",
    "UnknownResource",
    "UnknownRollback",
    "UnknownSecret",
    "UnknownSite",
    "UnknownSpecificationId",
    "UnknownTarget",
]
