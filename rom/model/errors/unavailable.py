"""What cannot be done now, though nothing is wrong with what was asked."""

from rom.model.errors.root import RomError


class Unavailable(RomError):
    """It cannot be done now, though nothing is wrong with what was asked."""

    code = "unavailable"
    mend = "Try again later"


class DevicesBusy(Unavailable):
    """Devices have not taken a change within the time a caller waits."""

    code = "devicesBusy"
    field = "site"
    mend = "The change stays queued and is brought out when the device can be reached"


class DeviceFailed(Unavailable):
    """A device does not answer as it must; ``code`` is the adapter's reason."""

    code = "DEVICE_REFUSED"
    field = "site"


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not run here or does not answer; the reason says why and what to do."""

    code = "databaseAway"


class IssuerUnavailable(Unavailable):
    """The public keys of the tokens' issuer cannot be had, so no token can be judged."""

    code = "issuerAway"
    field = "Authorization"
    mend = "Look whether ROM_AUTH_JWKS can be reached from the gateway"
