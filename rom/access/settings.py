"""Settings of access, from ``ROM_*`` environment variables like all others."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from rom.model.access import Role

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Signatures with a public key only (RFC 7518 section 3, RFC 8037): with HS256 an issuer's public
key would be the password, and ``none`` is no signature."""


class AccessSettings(BaseSettings):
    """Who may come in, and how often."""

    model_config = SettingsConfigDict(env_prefix="ROM_", frozen=True, extra="forbid")

    open: bool = False
    """Serve without authentication where others can reach it; never switches it off."""
    auth_issuer: str | None = None
    """The ``iss`` of OAuth2 access tokens (RFC 9068); needs ``auth_audience`` and ``auth_jwks``."""
    auth_audience: str | None = None
    auth_jwks: str | None = None
    """The issuer's public keys (RFC 7517): a file, or an https URL."""
    auth_algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    auth_leeway: int = Field(default=10, ge=0, le=120)
    """Seconds that the clocks of issuer and gateway may differ."""
    auth_name_claim: str = "sub"
    auth_roles_claim: str = "roles"
    """A claim, or a path of claims with dots: a list of words or words with spaces between."""
    auth_roles: dict[str, Role] = Field(default_factory=lambda: {role.value: role for role in Role})
    """Which role each word of that claim gives."""
    auth_customers_claim: str | None = None
    """The claim with the customers a client is limited to; ``*`` in it is no limit."""
    auth_sites_claim: str | None = None
    metrics_open: bool = False
    """Whether ``/metrics`` needs no token."""
    rate_reads: str | None = None
    """Such as ``1000/10 seconds``, or ``off``; by default limited only with authentication."""
    rate_writes: str | None = None
    rate_boots: str | None = None
    """How often routers may ask from one address; limited by default also in the open lab."""
