"""ncclient's exceptions; refusals of the device (RPCError) are judged by the session itself."""

from lxml.etree import XMLSyntaxError
from ncclient import NCClientError
from ncclient.operations.errors import (
    MissingCapabilityError,
    OperationError,
    TimeoutExpiredError,
)
from ncclient.operations.retrieve import WithDefaultsError
from ncclient.operations.rpc import RPCError
from ncclient.transport.errors import (
    AuthenticationError,
    NetconfFramingError,
    PermissionError,  # noqa: A004 - the library's own name
    SessionCloseError,
    SessionError,
    SSHError,
    SSHUnknownHostError,
    TLSError,
    TransportError,
    UnixSocketError,
)
from ncclient.transport.parser import SAXFilterXMLNotFoundError
from ncclient.xml_ import XMLError

from adapters.errors import (
    AuthenticationFailed,
    DeviceTimeout,
    EditRefused,
    HostKeyMismatch,
    ProtocolError,
    SessionLost,
    Unreachable,
    Unsupported,
)
from adapters.faults.ssh import LoginTranslation
from adapters.translation import table

ncclient_errors = LoginTranslation(
    "ncclient",
    table(
        {
            Unreachable: (
                SSHError,
                TLSError,
                UnixSocketError,
                SessionError,
                ConnectionError,
                OSError,
            ),
            AuthenticationFailed: (AuthenticationError, PermissionError),
            HostKeyMismatch: (SSHUnknownHostError,),
            SessionLost: (SessionCloseError, TransportError, EOFError),
            DeviceTimeout: (TimeoutExpiredError, TimeoutError),
            EditRefused: (RPCError,),
            Unsupported: (MissingCapabilityError, WithDefaultsError),
            ProtocolError: (
                NCClientError,
                NetconfFramingError,
                OperationError,
                SAXFilterXMLNotFoundError,
                XMLError,
                XMLSyntaxError,
            ),
        }
    ),
)
