"""The exceptions of paramiko, netmiko and scrapli."""

import netmiko.exceptions
import paramiko.auth_strategy  # type: ignore[import-untyped]  # the library has no types
import paramiko.buffered_pipe  # type: ignore[import-untyped]  # the library has no types
import paramiko.ssh_exception  # type: ignore[import-untyped]  # the library has no types
import scrapli.exceptions
import ssh2.exceptions  # type: ignore[import-untyped]  # the library has no types

from adapters.errors import (
    AdapterError,
    AuthenticationFailed,
    DeviceTimeout,
    HostKeyMismatch,
    LoginBroken,
    ProtocolError,
    SessionLost,
    Unreachable,
    Unsupported,
)
from adapters.translation import Translation, table

_paramiko = paramiko.ssh_exception
_netmiko = netmiko.exceptions
_scrapli = scrapli.exceptions

_UNANSWERED = ("transport shut down or saw EOF", "Authentication timeout")
"""What paramiko says, by the exception of a refusal, when there was no word from the device."""


class LoginTranslation(Translation):
    """Tells a login that broke off from one that was refused, which paramiko does by words only."""

    def translated(self, error: BaseException, device: str) -> AdapterError:
        """Return our error for ``error``; raises KeyError as ``Translation`` does."""
        found = super().translated(error, device)
        if isinstance(found, AuthenticationFailed) and _unanswered(error):
            return LoginBroken("the device went away during the login", device=device)
        return found


def _unanswered(error: BaseException | None) -> bool:
    while error is not None:
        if any(words in str(error) for words in _UNANSWERED):
            return True
        error = error.__cause__ or error.__context__
    return False


paramiko_errors = LoginTranslation(
    "paramiko",
    table(
        {
            Unreachable: (
                _paramiko.NoValidConnectionsError,
                _paramiko.ProxyCommandFailure,
                OSError,
            ),
            AuthenticationFailed: (
                _paramiko.AuthenticationException,
                _paramiko.BadAuthenticationType,
                _paramiko.PartialAuthentication,
                _paramiko.PasswordRequiredException,
                _paramiko.UnableToAuthenticate,
                paramiko.auth_strategy.AuthFailure,
            ),
            HostKeyMismatch: (_paramiko.BadHostKeyException,),
            SessionLost: (_paramiko.SSHException, _paramiko.ChannelException, EOFError),
            DeviceTimeout: (paramiko.buffered_pipe.PipeTimeout, TimeoutError),
            ProtocolError: (_paramiko.IncompatiblePeer, _paramiko.MessageOrderError),
            Unsupported: (_paramiko.CouldNotCanonicalize, _paramiko.ConfigParseError),
        }
    ),
)

netmiko_errors = LoginTranslation(
    "netmiko",
    {
        **paramiko_errors.table,
        **table(
            {
                Unreachable: (_netmiko.NetmikoTimeoutException,),
                AuthenticationFailed: (_netmiko.NetmikoAuthenticationException,),
                SessionLost: (
                    _netmiko.NetmikoBaseException,
                    _netmiko.ConnectionException,
                    _netmiko.ReadException,
                    _netmiko.WriteException,
                ),
                DeviceTimeout: (_netmiko.ReadTimeout,),
                ProtocolError: (
                    _netmiko.ConfigInvalidException,
                    _netmiko.NetmikoParsingException,
                ),
                Unsupported: (ValueError,),
            }
        ),
    },
)

scrapli_errors = Translation(
    "scrapli",
    table(
        {
            Unreachable: (_scrapli.ScrapliConnectionNotOpened, OSError),
            AuthenticationFailed: (_scrapli.ScrapliAuthenticationFailed,),
            # scrapli lets what libssh2 says of a write to a dead line pass as it is.
            SessionLost: (
                _scrapli.ScrapliConnectionError,
                _scrapli.ScrapliException,
                ssh2.exceptions.SSH2Error,
                EOFError,
            ),
            DeviceTimeout: (_scrapli.ScrapliTimeout, TimeoutError),
            ProtocolError: (_scrapli.ScrapliPrivilegeError, _scrapli.ScrapliCommandFailure),
            Unsupported: (
                _scrapli.ScrapliModuleNotFound,
                _scrapli.ScrapliTransportPluginError,
                _scrapli.ScrapliTypeError,
                _scrapli.ScrapliUnsupportedPlatform,
                _scrapli.ScrapliValueError,
            ),
        }
    ),
)
