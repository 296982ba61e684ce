"""pysnmp's error indications, exceptions, and the error-status of a response (RFC 3416)."""

from pysnmp.carrier.error import CarrierError
from pysnmp.error import PySnmpError
from pysnmp.proto import errind
from pysnmp.proto import error as proto
from pysnmp.smi import error as smi

from adapters.errors import (
    AdapterError,
    AuthenticationFailed,
    DeviceTimeout,
    EditRefused,
    ProtocolError,
    SessionLost,
    Unreachable,
    Unsupported,
)
from adapters.translation import Translation, table

pysnmp_errors = Translation(
    "pysnmp",
    table(
        {
            Unreachable: (CarrierError, OSError),
            DeviceTimeout: (errind.RequestTimedOut, proto.RequestTimeout, TimeoutError),
            SessionLost: (proto.CacheExpiredError, errind.NotInTimeWindow),
            AuthenticationFailed: (
                errind.AuthenticationError,
                errind.AuthenticationFailure,
                errind.DecryptionError,
                errind.NoGroupName,
                errind.UnknownCommunityName,
                errind.UnknownSecurityName,
                errind.UnknownUserName,
                errind.UnsupportedSecurityLevel,
                errind.WrongDigest,
            ),
            EditRefused: (
                errind.NoAccessEntry,
                errind.NoSuchContext,
                errind.NoSuchView,
                errind.NotInView,
                smi.AuthorizationError,
                smi.BadValueError,
                smi.CommitFailedError,
                smi.EndOfMibViewError,
                smi.GenError,
                smi.InconsistentNameError,
                smi.InconsistentValueError,
                smi.MibOperationError,
                smi.NoAccessError,
                smi.NoCreationError,
                smi.NoSuchInstanceError,
                smi.NoSuchNameError,
                smi.NoSuchObjectError,
                smi.NotWritableError,
                smi.ReadOnlyError,
                smi.ResourceUnavailableError,
                smi.RowCreationWanted,
                smi.RowDestructionWanted,
                smi.TableRowManagement,
                smi.TooBigError,
                smi.UndoFailedError,
                smi.WrongEncodingError,
                smi.WrongLengthError,
                smi.WrongTypeError,
                smi.WrongValueError,
            ),
            ProtocolError: (
                PySnmpError,
                errind.AccessAllowed,
                errind.DataMismatch,
                errind.DeserializationError,
                errind.EmptyResponse,
                errind.EngineIDMismatch,
                errind.ErrorIndication,
                errind.InvalidMsg,
                errind.LoopTerminated,
                errind.NonReportable,
                errind.OidNotIncreasing,
                errind.OtherError,
                errind.ParseError,
                errind.ReportPduReceived,
                errind.TooBig,
                errind.UnknownEngineID,
                errind.UnknownPDUHandler,
                proto.InternalError,
                proto.MessageProcessingError,
                proto.ProtocolError,
                proto.SnmpV3Error,
                proto.StatusInformation,
            ),
            Unsupported: (
                errind.EncryptionError,
                errind.NoAuthentication,
                errind.NoEncryption,
                errind.SerializationError,
                errind.UnsupportedAuthProtocol,
                errind.UnsupportedMsgProcessingModel,
                errind.UnsupportedPDUtype,
                errind.UnsupportedPrivProtocol,
                errind.UnsupportedSecurityModel,
                smi.MibLoadError,
                smi.MibNotFoundError,
                smi.SmiError,
            ),
        }
    ),
)


def refused(device: str, status: int, name: str, at: str) -> AdapterError:
    """Return the error for a response's error-status (RFC 3416 section 3).

    ``resourceUnavailable`` (13) is the agent's word for no room; ``authorizationError`` (16) means
    that the user may not do this. ``commitFailed`` (14) was undone by the agent, ``undoFailed``
    (15) was not, so its outcome is unknown.
    """
    if status == 15:
        return SessionLost(f"{name} at {at}", device=device, outcome_unknown=True)
    if status == 16:
        return AuthenticationFailed(f"{name} at {at}", device=device)
    tag = "resource-denied" if status == 13 else name
    return EditRefused("SET refused", device=device, tag=tag, path=at)
