"""SQLAlchemy's exceptions. Its messages quote statements and values, so none is passed on."""

from sqlalchemy import exc

from adapters.errors import (
    DeviceTimeout,
    EditRefused,
    SessionLost,
    Unreachable,
    Unsupported,
)
from adapters.translation import Translation, table

sqlalchemy_errors = Translation(
    "sqlalchemy",
    table(
        {
            Unreachable: (exc.OperationalError, exc.InterfaceError),
            SessionLost: (exc.DisconnectionError, exc.InvalidatePoolError),
            DeviceTimeout: (exc.TimeoutError,),
            EditRefused: (
                exc.DataError,
                exc.DatabaseError,
                exc.DBAPIError,
                exc.IntegrityError,
                exc.InternalError,
                exc.NotSupportedError,
                exc.ProgrammingError,
                exc.StatementError,
            ),
            Unsupported: (
                exc.SQLAlchemyError,
                exc.AmbiguousColumnError,
                exc.AmbiguousForeignKeysError,
                exc.ArgumentError,
                exc.AwaitRequired,
                exc.CircularDependencyError,
                exc.CompileError,
                exc.ConstraintColumnNotFoundError,
                exc.DuplicateColumnError,
                exc.IdentifierError,
                exc.IllegalStateChangeError,
                exc.InvalidRequestError,
                exc.MissingGreenlet,
                exc.MultipleResultsFound,
                exc.NoDBAPILoaded,
                exc.NoForeignKeysError,
                exc.NoInspectionAvailable,
                exc.NoReferenceError,
                exc.NoReferencedColumnError,
                exc.NoReferencedTableError,
                exc.NoResultFound,
                exc.NoSuchColumnError,
                exc.NoSuchModuleError,
                exc.NoSuchTableError,
                exc.ObjectNotExecutableError,
                exc.PendingRollbackError,
                exc.ResourceClosedError,
                exc.UnboundExecutionError,
                exc.UnreflectableTableError,
                exc.UnsupportedCompilationError,
            ),
        }
    ),
)
