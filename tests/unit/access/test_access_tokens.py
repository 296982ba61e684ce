"""Access tokens over HTTP: what lets a client in, and every way in that must stay shut."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient

from tests.unit.access.issuer import DEVICES, Keys, Serve, bearer

Make = Callable[[Keys], str]


def refused(client: TestClient, token: str) -> None:
    answer = client.get(DEVICES, headers=bearer(token))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="rom", error="invalid_token"'
    body = answer.json()
    assert body["code"] == "unauthorized"
    assert body["status"] == "401"
    assert body["@type"] == "Error"
    assert token not in answer.text


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("rsa", "RS256"), ("rsa", "PS256"), ("ec", "ES256"), ("ed", "EdDSA")],
)
def test_a_token_signed_by_the_issuer_lets_in(
    serve: Serve, keys: Keys, kind: str, algorithm: str
) -> None:
    token = keys.token(getattr(keys, kind), algorithm=algorithm, kid=kind)
    assert serve().get(DEVICES, headers=bearer(token)).status_code == 200


def test_a_token_without_a_key_id_is_matched_by_the_only_key_of_its_kind(
    serve: Serve, keys: Keys
) -> None:
    assert serve().get(DEVICES, headers=bearer(keys.token(kid=None))).status_code == 200


def unsigned(keys: Keys) -> str:
    return jwt.encode(jwt.decode(keys.token(), options={"verify_signature": False}), None, "none")


def signed_with_the_public_key(keys: Keys) -> str:
    """HS256 with the issuer's public key as the password, which PyJWT itself would not make."""

    def part(value: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    claims = jwt.decode(keys.token(), options={"verify_signature": False})
    text = part({"alg": "HS256", "kid": "rsa"}) + b"." + part(claims)
    mac = hmac.digest(keys.rsa_pem(), text, "sha256")
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def tampered(keys: Keys) -> str:
    head, _, mark = keys.token().split(".")
    claims = jwt.decode(keys.token(), options={"verify_signature": False}) | {"sub": "admin"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{mark}"


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda k: k.token(exp=int(time.time()) - 60), id="expired"),
        pytest.param(lambda k: k.token(nbf=int(time.time()) + 60), id="not valid yet"),
        pytest.param(lambda k: k.token(exp=None), id="without an end"),
        pytest.param(lambda k: k.token(iss="https://other.example/"), id="another issuer"),
        pytest.param(lambda k: k.token(iss=None), id="no issuer"),
        pytest.param(lambda k: k.token(aud="another-service"), id="for another audience"),
        pytest.param(lambda k: k.token(aud=None), id="for no audience"),
        pytest.param(lambda k: k.token(kid="unknown"), id="an unknown key"),
        pytest.param(lambda k: k.token(k.other_rsa), id="a key that is not the issuer's"),
        pytest.param(lambda k: k.token(k.ec, algorithm="ES256"), id="another key's id"),
        pytest.param(lambda k: k.token(algorithm="RS512"), id="an algorithm not taken"),
        pytest.param(lambda k: k.token(sub=None), id="nobody's"),
        pytest.param(lambda k: k.token(sub="a\nb"), id="a name with a line break"),
        pytest.param(unsigned, id="unsigned"),
        pytest.param(signed_with_the_public_key, id="signed with the public key"),
        pytest.param(tampered, id="changed after signing"),
        pytest.param(lambda _: "a.b.c", id="no token"),
        pytest.param(lambda _: "rom_abcdefghij_" + "x" * 43, id="an own token nobody made"),
    ],
)
def test_any_other_token_is_refused(serve: Serve, keys: Keys, make: Make) -> None:
    refused(serve(), make(keys))


def test_a_clock_a_few_seconds_behind_does_not_matter(serve: Serve, keys: Keys) -> None:
    token = keys.token(exp=int(time.time()) - 3)
    assert serve().get(DEVICES, headers=bearer(token)).status_code == 200


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("roles", {"roles": "noc other"}),
        ("realm_access.roles", {"realm_access": {"roles": ["noc"]}}),
        ("https://example.com/roles", {"https://example.com/roles": ["noc"]}),
    ],
)
def test_roles_are_read_from_the_claim_that_is_configured(
    serve: Serve, keys: Keys, claim: str, claims: dict[str, Any]
) -> None:
    token = keys.token(**({"roles": None} | claims))
    client = serve(auth_roles_claim=claim)
    assert client.get(DEVICES, headers=bearer(token)).status_code == 200


def test_words_of_the_issuer_are_mapped_to_roles_and_others_give_none(
    serve: Serve, keys: Keys
) -> None:
    client = serve(auth_roles={"network-operations": "noc"})
    good, none = keys.token(roles=["network-operations"]), keys.token(roles=["noc"])
    assert client.get(DEVICES, headers=bearer(good)).status_code == 200
    assert client.get(DEVICES, headers=bearer(none)).status_code == 403


@pytest.mark.parametrize("claims", [{}, {"sites": []}, {"sites": ["A"]}, {"sites": 7}])
def test_a_token_without_the_claim_of_its_limits_reaches_nothing(
    serve: Serve, keys: Keys, claims: dict[str, Any]
) -> None:
    client = serve(auth_sites_claim="sites")
    answer = client.get("/rom/v1/sites/B/snapshots", headers=bearer(keys.token(**claims)))
    assert answer.status_code == 404


def test_a_star_in_that_claim_is_no_limit(serve: Serve, keys: Keys) -> None:
    client = serve(auth_sites_claim="sites")
    # Clients with limits may not list devices at all.
    assert client.get(DEVICES, headers=bearer(keys.token(sites="*"))).status_code == 200
    assert client.get(DEVICES, headers=bearer(keys.token(sites="B"))).status_code == 403


@pytest.mark.parametrize("name", ["access_token", "token", "id_token"])
def test_a_token_in_the_query_is_refused_without_being_looked_at(
    serve: Serve, keys: Keys, name: str
) -> None:
    answer = serve().get(DEVICES, params={name: keys.token()})
    assert answer.status_code == 400
    assert answer.json()["code"] == "tokenInQuery"


@pytest.mark.parametrize(
    "header", ["Basic bm9jOm5vYw==", "Bearer", "Bearer ", "Bearer a b", "Bearer " + "x" * 9000]
)
def test_a_header_without_a_bearer_token_is_refused(serve: Serve, header: str) -> None:
    answer = serve().get(DEVICES, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_two_authorization_headers_are_refused(serve: Serve, keys: Keys) -> None:
    header = ("Authorization", f"Bearer {keys.token()}")
    answer = serve().get(DEVICES, headers=[header, header])
    assert answer.status_code == 401
