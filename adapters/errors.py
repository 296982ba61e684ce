"""What can go wrong between the gateway and a device.

::

    AdapterError
    ├── Unreachable             no connection could be made; the device may be down
    │   └── LoginBroken         it went away while we logged in, and refused nothing
    ├── AuthenticationFailed    the device refused our credentials; one try, never a loop
    ├── HostKeyMismatch         another key than the pinned one; no credentials have left
    │   └── HostKeyUnknown      no key is pinned, or none that can be read
    ├── SessionLost             the conversation broke off; ``outcome_unknown`` after a commit left
    ├── DeviceTimeout           no answer in time
    ├── LockDenied              somebody else writes; ``holder`` is their session, if told
    ├── Refused                 the device understood and said no
    │   ├── EditRefused         to an edit
    │   └── CommitRefused       to a validate or commit; nothing of it took effect
    ├── ProtocolError           the answer breaks the protocol
    ├── Unsupported             the device or this adapter cannot do that
    └── SecretUnavailable       a wanted secret cannot be resolved; nothing was sent

Every error has a ``reason`` code for order notes and tells whether trying again can help
(``retry``). Messages name the device and carry its own words at most, never a secret.
"""

from typing import ClassVar


class AdapterError(Exception):
    """Anything an adapter raises; see the module for the tree."""

    reason: str = "DEVICE_REFUSED"
    retry: ClassVar[bool] = False

    def __init__(self, message: str, *, device: str = "") -> None:
        self.device = device
        self.message = message
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.device}: {self.message}" if self.device else self.message


class Unreachable(AdapterError):
    """No connection could be made."""

    reason = "DEVICE_UNREACHABLE"
    retry = True


class LoginBroken(Unreachable):
    """The device ended the conversation, or fell silent, between our credentials and its word."""


class AuthenticationFailed(AdapterError):
    """The device refused the credentials. Trying again may lock the account."""

    reason = "AUTHENTICATION_FAILED"


class HostKeyMismatch(AdapterError):
    """The device showed another host key than inventory has."""

    reason = "HOST_KEY_CHANGED"


class HostKeyUnknown(HostKeyMismatch):
    """Inventory has no host key of the device, or none that can be read."""

    reason = "HOST_KEY_UNKNOWN"


class SessionLost(AdapterError):
    """The conversation broke off.

    ``outcome_unknown`` is true when a commit had left and its answer had not come: only reading
    the device tells what happened, and nothing may be sent again before.
    """

    retry = True

    def __init__(self, message: str, *, device: str = "", outcome_unknown: bool = False) -> None:
        super().__init__(message, device=device)
        self.outcome_unknown = outcome_unknown
        self.reason = "OUTCOME_UNKNOWN" if outcome_unknown else "DEVICE_UNREACHABLE"


class DeviceTimeout(AdapterError):
    """The device did not answer in time."""

    reason = "DEVICE_UNREACHABLE"
    retry = True


class LockDenied(AdapterError):
    """Somebody else holds the configuration; ``holder`` is the session-id the device named."""

    reason = "DEVICE_LOCKED"
    retry = True

    def __init__(self, message: str, *, device: str = "", holder: str = "") -> None:
        super().__init__(f"{message} (session {holder})" if holder else message, device=device)
        self.holder = holder


class Refused(AdapterError):
    """The device understood and said no: the same request will be refused again."""

    def __init__(self, message: str, *, device: str = "", tag: str = "", path: str = "") -> None:
        super().__init__(message, device=device)
        self.tag = tag
        self.path = path
        if tag == "resource-denied":
            self.reason = "RESOURCE_EXHAUSTED"

    @property
    def words(self) -> str:
        """The device's own words on one line: tag, path and message, as far as given."""
        return " ".join(part for part in (self.tag, self.path, self.message) if part)


class EditRefused(Refused):
    """The device refused an edit; it is not part of the transaction."""


class CommitRefused(Refused):
    """The device refused the transaction as a whole; nothing of it took effect."""


class ProtocolError(AdapterError):
    """The device's answer breaks its protocol; the session is closed."""

    reason = "DEVICE_UNREACHABLE"
    retry = True


class Unsupported(AdapterError):
    """The device, its profile or this adapter cannot do what was asked."""


class SecretUnavailable(AdapterError):
    """A secret that an edit needs cannot be resolved; nothing was sent."""
