"""How often a client may ask."""

from api.access.access import open_access
from api.access.rates import DEFAULT_READS, rate
from rom.access.settings import AccessSettings
from tests.unit.access.issuer import DEVICES, AccessInMemory, Keys, Serve, bearer, client_of


def test_above_the_limit_the_answer_says_when_to_come_back(serve: Serve, keys: Keys) -> None:
    client = serve(rate_reads="2/hour")
    headers = bearer(keys.token())
    assert [client.get(DEVICES, headers=headers).status_code for _ in range(2)] == [200, 200]
    answer = client.get(DEVICES, headers=headers)
    assert answer.status_code == 429
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600
    body = answer.json()
    assert (body["code"], body["status"], body["@type"]) == ("tooManyRequests", "429", "Error")


def test_each_client_has_a_limit_of_its_own(serve: Serve, keys: Keys) -> None:
    client = serve(rate_reads="1/hour")
    for name in ("noc-1", "noc-2"):
        assert client.get(DEVICES, headers=bearer(keys.token(sub=name))).status_code == 200
    assert client.get(DEVICES, headers=bearer(keys.token(sub="noc-1"))).status_code == 429


def test_reads_and_writes_are_counted_apart(serve: Serve, keys: Keys) -> None:
    client = serve(rate_reads="1/hour", rate_writes="1/hour")
    headers = bearer(keys.token())
    assert client.get(DEVICES, headers=headers).status_code == 200
    assert client.post("/rom/v1/deviceCheck", headers=headers).status_code == 415
    assert client.post("/rom/v1/deviceCheck", headers=headers).status_code == 429


def test_whoever_is_not_known_is_counted_by_address_and_hinders_no_client(
    serve: Serve, keys: Keys
) -> None:
    client = serve(rate_reads="2/hour")
    answers = [client.get(DEVICES, headers=bearer("guess")).status_code for _ in range(4)]
    assert answers == [401, 401, 429, 429]
    assert client.get(DEVICES, headers=bearer(keys.token())).status_code == 200


def test_probes_are_never_counted(serve: Serve) -> None:
    client = serve(rate_reads="1/hour")
    assert {client.get("/healthz").status_code for _ in range(3)} == {200}


def test_off_switches_a_limit_off_and_what_is_not_said_is_the_default() -> None:
    assert rate("off", DEFAULT_READS) is None
    assert rate(None, DEFAULT_READS) == rate(DEFAULT_READS, None)


def test_an_open_lab_is_limited_only_when_asked() -> None:
    assert {client_of(None).get(DEVICES).status_code for _ in range(3)} == {200}
    limited = client_of(
        open_access(AccessSettings(rate_reads="1/hour"), AccessInMemory(), "127.0.0.1")
    )
    assert [limited.get(DEVICES).status_code for _ in range(2)] == [200, 429]
