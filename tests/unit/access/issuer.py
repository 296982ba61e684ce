"""An issuer with real keys, and the little of a gateway that the tests of admission reach."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from adapters.ztp.service import ZtpRefused
from api.access.access import Access
from api.app import create_app
from rom.answers.devices import DeviceLine
from rom.gateway.devices import Devices
from rom.gateway.gateway import Gateway
from rom.gateway.operation import Counts, Operation
from rom.model.access import EVERYTHING, AccessToken, Role, Scope, ScopedKind
from rom.model.deed import Actor

ISSUER = "https://issuer.example/"
AUDIENCE = "rom"
DEVICES = "/rom/v1/devices"


@dataclass
class Keys:
    """What an issuer signs with."""

    rsa: rsa.RSAPrivateKey
    other_rsa: rsa.RSAPrivateKey
    ec: ec.EllipticCurvePrivateKey
    ed: ed25519.Ed25519PrivateKey

    def jwks(self) -> dict[str, Any]:
        entries = [
            json.loads(RSAAlgorithm.to_jwk(self.rsa.public_key())) | {"kid": "rsa", "use": "sig"},
            json.loads(ECAlgorithm.to_jwk(self.ec.public_key())) | {"kid": "ec"},
            json.loads(OKPAlgorithm.to_jwk(self.ed.public_key())) | {"kid": "ed"},
        ]
        return {"keys": entries}

    def rsa_pem(self) -> bytes:
        return self.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def token(self, key: Any = None, *, algorithm: str = "RS256", kid: str | None = "rsa",
              **claims: Any) -> str:  # fmt: skip
        """Return a good token, but for what ``claims`` changes; ``None`` leaves one out."""
        now = int(time.time())
        good = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "noc-1", "exp": now + 60, "roles": ["noc"],
        }  # fmt: skip
        body = {name: value for name, value in (good | claims).items() if value is not None}
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(body, key or self.rsa, algorithm=algorithm, headers=headers)


class NoBootstrap:
    """A bootstrap server that serves nobody."""

    def script(self, token: str, *_: Any) -> bytes:
        raise ZtpRefused


class NoDevices(Devices):
    def __init__(self) -> None:
        pass

    def all(self) -> tuple[DeviceLine, ...]:
        return ()


class Idle(Operation):
    def __init__(self) -> None:
        pass

    def problems(self) -> list[str]:
        return []

    def statistics(self) -> dict[str, Counts]:
        return {}


def small_gateway() -> Gateway:
    """The little of the gateway that the tests of admission reach."""
    absent: Any = None
    bootstrap: Any = NoBootstrap()
    return Gateway(
        orders=absent,
        sites=absent,
        devices=NoDevices(),
        inventory=absent,
        catalog=absent,
        events=absent,
        access=absent,
        bootstrap=bootstrap,
        operation=Idle(),
        trail=absent,
        secrets=absent,
    )


@dataclass(frozen=True)
class Limits:
    max_body_bytes: int = 20_000
    base_url: str = "http://127.0.0.1:8652"


@dataclass
class AccessInMemory:
    """Tokens and sites in memory."""

    tokens: dict[str, AccessToken] = field(default_factory=dict)
    noted: dict[str, Scope] = field(default_factory=dict)
    visible: set[tuple[str, str]] = field(default_factory=set)

    def token(self, presented: str) -> AccessToken | None:
        return self.tokens.get(presented)

    def tokens_made(self) -> bool:
        return bool(self.tokens)

    def sees(self, scope: Scope, kind: ScopedKind, identifier: str) -> bool:
        return not scope.limited or (kind, identifier) in self.visible

    def note_limits(self, name: str, scope: Scope, by: Actor) -> None:
        self.noted[name] = scope


def application(access: Access | None) -> FastAPI:
    return create_app(small_gateway(), Limits(), access=access)


def client_of(access: Access | None) -> TestClient:
    return TestClient(application(access), raise_server_exceptions=False)


RECORD = AccessToken(
    "x", "noc-1", frozenset({Role.NOC}), EVERYTHING, datetime.now(UTC), None, None, None
)


Serve = Callable[..., TestClient]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
