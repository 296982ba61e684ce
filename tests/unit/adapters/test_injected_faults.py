"""Failures that no lab produces on demand, thrown from inside the libraries."""

from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from pytest_mock import MockerFixture
from sqlalchemy import exc

from adapters.errors import AdapterError, DeviceTimeout, ProtocolError, SessionLost, Unreachable
from adapters.radius.session import RadiusSession
from adapters.seam import ApplyMode, Endpoint, SiteEdits
from adapters.web import WebClient
from device_profiles.profile import load_profile
from device_profiles.tree import Edit

WORDS = "rom:hunter2@10.0.0.9"
ROW = "radreply[username='c'][attribute='Filter-Id']"
EDITS = (
    Edit((ROW,), None, ""), Edit((ROW, "op"), None, ":="), Edit((ROW, "value"), None, "gold")
)  # fmt: skip


def unused(name: str) -> SecretStr:
    raise KeyError(name)


@pytest.mark.parametrize(
    ("thrown", "ours"),
    [
        (httpx.ConnectError(WORDS), Unreachable),
        (httpx.ConnectTimeout(WORDS), Unreachable),
        (httpx.ReadTimeout(WORDS), DeviceTimeout),
        (httpx.PoolTimeout(WORDS), DeviceTimeout),
        (httpx.ReadError(WORDS), SessionLost),
        (httpx.RemoteProtocolError(WORDS), ProtocolError),
        (httpx.DecodingError(WORDS), ProtocolError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_breaks_below_a_request_is_our_error_without_the_librarys_words(
    mocker: MockerFixture, thrown: Exception, ours: type[AdapterError]
) -> None:
    mocker.patch.object(httpx.Client, "send", side_effect=thrown)
    client = WebClient(Endpoint("KEA4-01", "kea-dhcp4", "127.0.0.1", 1, "rom", SecretStr("x")))
    with pytest.raises(ours) as caught:
        client.request("POST", "/", {"command": "config-get"})
    assert type(caught.value) is ours
    assert caught.value.device == "KEA4-01"
    assert WORDS not in str(caught.value)


@pytest.fixture
def radius(tmp_path: Path) -> RadiusSession:
    url = f"sqlite:///{tmp_path / 'radius.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE radreply "
            "(id INTEGER PRIMARY KEY, username TEXT, attribute TEXT, op TEXT, value TEXT)"
        )
    engine.dispose()
    endpoint = Endpoint("RAD-01", "freeradius-sql", "", 0, options={"url": url})
    return RadiusSession(endpoint, load_profile("freeradius-sql"), unused)


def test_a_commit_whose_answer_is_lost_has_an_unknown_outcome(
    mocker: MockerFixture, radius: RadiusSession
) -> None:
    lost = exc.OperationalError(f"COMMIT -- {WORDS}", {}, OSError(WORDS))
    mocker.patch.object(sa.Connection, "commit", side_effect=lost)
    with pytest.raises(SessionLost) as caught:
        radius.apply([SiteEdits("S", EDITS)], ApplyMode("T"))
    assert caught.value.outcome_unknown
    assert caught.value.reason == "OUTCOME_UNKNOWN"
    assert WORDS not in str(caught.value)


def test_a_database_that_goes_away_while_it_is_read_is_a_lost_session_with_a_known_outcome(
    mocker: MockerFixture, radius: RadiusSession
) -> None:
    gone = exc.OperationalError(f"SELECT -- {WORDS}", {}, OSError(WORDS))
    mocker.patch.object(sa.Connection, "execute", side_effect=gone)
    with pytest.raises(AdapterError) as caught:
        radius.read([(ROW,)])
    assert not getattr(caught.value, "outcome_unknown", False)
    assert caught.value.retry
    assert WORDS not in str(caught.value)
