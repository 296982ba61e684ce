"""An issuer with real keys, and an application that lets in whom it signs for."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi.testclient import TestClient

from api.access.access import open_access
from rom.access.settings import AccessSettings
from tests.unit.access.issuer import AUDIENCE, ISSUER, AccessInMemory, Keys, Serve, client_of


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys(
        rsa.generate_private_key(65537, 2048),
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    )


@pytest.fixture
def jwks_file(keys: Keys, tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(keys.jwks()))
    return file


@pytest.fixture
def control() -> AccessInMemory:
    return AccessInMemory()


@pytest.fixture
def serve(jwks_file: Path, control: AccessInMemory) -> Serve:
    """Return an application that trusts the issuer, with other settings as given."""

    def served(**others: Any) -> TestClient:
        trusting = {"auth_issuer": ISSUER, "auth_audience": AUDIENCE, "auth_jwks": str(jwks_file)}
        settings = AccessSettings(**(trusting | others))
        return client_of(open_access(settings, control, "127.0.0.1"))

    return served
