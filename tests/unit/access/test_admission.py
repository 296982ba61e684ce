"""Admission: nobody learns anything before being known; the open lab says that it is open."""

import pytest
from structlog.testing import capture_logs

from api.access.access import Access, AccessMisconfigured, open_access
from api.access.authentication import Authenticator
from rom.access.settings import AccessSettings
from rom.model.access import AccessToken
from rom.model.errors import DatabaseUnavailable
from tests.unit.access.issuer import (
    AUDIENCE,
    DEVICES,
    ISSUER,
    RECORD,
    AccessInMemory,
    Keys,
    Serve,
    bearer,
    client_of,
)

TOKEN = "Authorization: a token is needed"


@pytest.mark.parametrize("path", [DEVICES, "/rom/v1/nothing", "/", "/console", "/openapi.json"])
def test_without_a_token_what_is_there_and_what_is_not_look_alike(serve: Serve, path: str) -> None:
    answer = serve().get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="rom"'
    assert answer.json()["reason"] == TOKEN


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_token(serve: Serve, path: str) -> None:
    assert serve().get(path).status_code == 200


def test_booting_routers_have_tickets_of_their_own(serve: Serve) -> None:
    assert serve().get("/ztp/v1/guessed/ztp.py").status_code == 403
    assert "WWW-Authenticate" not in serve().get("/ztp/v1/guessed/ztp.py").headers


def test_metrics_can_be_left_open(serve: Serve) -> None:
    assert serve().get("/metrics").status_code == 401
    assert serve(metrics_open=True).get("/metrics").status_code != 401


def test_whoever_is_known_learns_what_is_not_served(serve: Serve, keys: Keys) -> None:
    answer = serve().get("/rom/v1/nothing", headers=bearer(keys.token()))
    assert answer.status_code == 404
    assert answer.json()["code"] == "notFound"


def test_another_method_is_405_with_what_is_allowed(serve: Serve, keys: Keys) -> None:
    answer = serve().delete(DEVICES, headers=bearer(keys.token()))
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST"
    assert answer.json()["code"] == "methodNotAllowed"


@pytest.mark.parametrize("path", ["/rom/v1/%64evices", "/rom/v1/devices/", "//rom/v1/devices"])
def test_other_spellings_of_a_path_open_nothing(serve: Serve, path: str) -> None:
    assert serve().get(path).status_code == 401


def test_a_path_outside_the_limits_is_answered_like_one_that_does_not_exist(
    serve: Serve, keys: Keys, control: AccessInMemory
) -> None:
    control.visible = {("site", "MINE")}
    client = serve(auth_sites_claim="sites")
    token = keys.token(sites=["MINE"])
    answer = client.get("/rom/v1/sites/OTHER/snapshots", headers=bearer(token))
    assert answer.status_code == 404
    assert answer.json()["reason"] == "id: there is no site 'OTHER'"
    mine = client.get("/rom/v1/sites/MINE/snapshots", headers=bearer(token))
    assert mine.status_code != 404


def test_the_log_names_the_client_and_never_holds_the_token(serve: Serve, keys: Keys) -> None:
    good, bad = keys.token(sub="noc-7"), keys.token(iss="https://other.example/")
    client = serve()
    with capture_logs() as logs:
        client.get(DEVICES, headers=bearer(good))
        client.get(DEVICES, headers=bearer(bad))
        client.get(DEVICES, params={"token": good})
    text = repr(logs)
    assert good not in text
    assert bad not in text
    assert "not valid here" in text


def test_without_authentication_everybody_may_do_everything_and_every_answer_says_so() -> None:
    client = client_of(None)
    for path, status in ((DEVICES, 200), ("/rom/v1/nothing", 404), ("/healthz", 200)):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["X-ROM-Open-Lab"]) == (status, "true")


def test_a_token_shown_to_an_open_lab_does_no_harm() -> None:
    assert client_of(None).get(DEVICES, headers=bearer("whatever")).status_code == 200


def test_with_authentication_no_answer_says_that_it_is_open(serve: Serve, keys: Keys) -> None:
    assert "X-ROM-Open-Lab" not in serve().get(DEVICES, headers=bearer(keys.token())).headers


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - not bound
def test_a_gateway_that_others_can_reach_does_not_start_without_authentication(
    control: AccessInMemory, address: str
) -> None:
    with pytest.raises(AccessMisconfigured, match="rom token create"):
        open_access(AccessSettings(), control, address)
    assert open_access(AccessSettings(open=True), control, address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_on_this_machine_alone_it_does(control: AccessInMemory, address: str) -> None:
    assert open_access(AccessSettings(), control, address)


@pytest.mark.parametrize(
    "settings",
    [
        {"auth_issuer": ISSUER},
        {"auth_jwks": "/keys.json", "auth_audience": AUDIENCE},
        {"auth_issuer": ISSUER, "auth_audience": AUDIENCE, "auth_jwks": "http://192.0.2.1/keys"},
        {"auth_issuer": ISSUER, "auth_audience": AUDIENCE, "auth_jwks": "ftp://192.0.2.1/keys"},
        {"auth_issuer": ISSUER, "auth_audience": AUDIENCE, "auth_jwks": "https://u:p@h.example/k"},
        {"rate_reads": "many"},
    ],
)
def test_settings_that_do_not_fit_together_are_refused_at_start(
    control: AccessInMemory, settings: dict[str, str]
) -> None:
    with pytest.raises(AccessMisconfigured):
        open_access(AccessSettings(**settings), control, "127.0.0.1")  # type: ignore[arg-type]


class DeafControl(AccessInMemory):
    """One whose database does not answer."""

    def token(self, presented: str) -> AccessToken | None:
        raise DatabaseUnavailable("its database does not answer", field="gateway")

    def tokens_made(self) -> bool:
        raise DatabaseUnavailable("its database does not answer", field="gateway")


def test_without_its_database_a_closed_gateway_is_alive_and_lets_nobody_in() -> None:
    closed = AccessInMemory(tokens={"rom_x": RECORD})
    access = open_access(AccessSettings(), closed, "127.0.0.1")
    client = client_of(Access(DeafControl(), access.authenticator, access.rates))
    client.get(DEVICES)  # it has seen that there are tokens
    access.authenticator._control = DeafControl()
    assert client.get("/healthz").status_code == 200
    answer = client.get(DEVICES, headers=bearer("rom_abcdefghij_" + "x" * 43))
    assert (answer.status_code, answer.json()["code"]) == (503, "databaseAway")
    assert answer.headers["Retry-After"]


def test_an_open_lab_answers_probes_without_its_database() -> None:
    access = Access(authenticator=Authenticator(DeafControl(), None))
    assert client_of(access).get("/healthz").status_code == 200


def test_the_first_token_closes_an_open_lab_for_good() -> None:
    clock = [0.0]
    control = AccessInMemory()
    client = client_of(Access(control, Authenticator(control, None, lambda: clock[0])))
    assert client.get(DEVICES).status_code == 200
    control.tokens["rom_x"] = RECORD
    clock[0] += 1.0
    assert client.get(DEVICES).status_code == 401
    control.tokens.clear()
    clock[0] += 1.0
    assert client.get(DEVICES).status_code == 401
