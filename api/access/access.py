"""Access as an application needs it, put together from the settings."""

from dataclasses import dataclass, field
from ipaddress import ip_address

from api.access.access_token import Claims, Verifier
from api.access.authentication import AccessPort, Authenticator
from api.access.issuer_keys import IssuerKeys
from api.access.permissions import OPEN, PERMISSIONS, Permissions
from api.access.rates import DEFAULT_BOOTS, DEFAULT_READS, DEFAULT_WRITES, Rates, rate
from rom.access.settings import AccessSettings


class AccessMisconfigured(Exception):
    """The settings of access do not fit together; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """What decides who comes in; by default the open lab."""

    control: AccessPort | None = None
    authenticator: Authenticator = field(default_factory=lambda: Authenticator(None, None))
    rates: Rates = field(default_factory=lambda: Rates(None, None))
    permissions: Permissions = field(default_factory=lambda: PERMISSIONS)


def open_access(
    settings: AccessSettings, control: AccessPort, address: str, redis_url: str | None = None
) -> Access:
    """Return what the settings ask for, for a server that listens on ``address``.

    Raises ``AccessMisconfigured``, also for a server without authentication that others can reach.
    """
    verifier = _verifier(settings)
    is_open = verifier is None and not control.tokens_made()
    if is_open and not settings.open and not _is_loopback(address):
        message = (
            f"without authentication the gateway does not listen on {address}, where others can "
            "reach it. Make a token with 'rom token create', configure an issuer with "
            "ROM_AUTH_ISSUER, or say --open if that network is a lab"
        )
        raise AccessMisconfigured(message)
    try:
        rates = Rates(
            rate(settings.rate_reads, None if is_open else DEFAULT_READS),
            rate(settings.rate_writes, None if is_open else DEFAULT_WRITES),
            redis_url,
            boots=rate(settings.rate_boots, DEFAULT_BOOTS),
        )
    except ValueError as error:
        message = f"setting ROM_RATE_READS, ROM_RATE_WRITES or ROM_RATE_BOOTS: {error}"
        raise AccessMisconfigured(message) from error
    permissions = dict(PERMISSIONS)
    if settings.metrics_open:
        permissions["GET", "/metrics"] = OPEN
    return Access(control, Authenticator(control, verifier), rates, permissions)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _verifier(settings: AccessSettings) -> Verifier | None:
    given = (settings.auth_issuer, settings.auth_audience, settings.auth_jwks)
    if given == (None, None, None):
        return None
    issuer, audience, jwks = given
    if not (issuer and audience and jwks):
        raise AccessMisconfigured(
            "access tokens need all of ROM_AUTH_ISSUER, ROM_AUTH_AUDIENCE and ROM_AUTH_JWKS"
        )
    try:
        keys = IssuerKeys(jwks)
    except ValueError as error:
        raise AccessMisconfigured(f"setting ROM_AUTH_JWKS: {error}") from error
    return Verifier(
        keys,
        issuer,
        audience,
        settings.auth_algorithms,
        settings.auth_leeway,
        Claims(
            settings.auth_name_claim,
            settings.auth_roles_claim,
            settings.auth_roles,
            settings.auth_customers_claim,
            settings.auth_sites_claim,
        ),
    )
