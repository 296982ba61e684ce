"""Tokens of the gateway's own, in a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from rom.access import tokens
from rom.gateway.access import Access
from rom.model.access import EVERYTHING, Role, Scope
from rom.store.access_tables import access_token
from rom.store.database import make_engine

NOC = frozenset({Role.NOC})


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = make_engine(database_url)
    yield made
    made.dispose()


def make(
    engine: sa.Engine,
    name: str = "noc-1",
    scope: Scope = EVERYTHING,
    expires_at: datetime | None = None,
) -> str:
    with engine.begin() as connection:
        return tokens.create(connection, name, NOC, scope, expires_at)


def test_a_token_is_found_with_its_roles_and_limits(engine: sa.Engine) -> None:
    scope = Scope(frozenset({"ACME"}), frozenset({"ENT-1"}))
    found = Access(engine).token(make(engine, scope=scope))
    assert found is not None
    assert (found.name, found.roles, found.scope) == ("noc-1", NOC, scope)


def test_what_is_kept_does_not_hold_the_secret(engine: sa.Engine) -> None:
    made = make(engine)
    secret = made.split("_", 2)[2]
    assert len(secret) == 43
    with engine.connect() as connection:
        kept = connection.execute(sa.select(access_token)).one()
    assert secret not in repr(tuple(kept))
    assert len(bytes(kept.digest)) == 32


def test_neither_another_secret_nor_another_id_will_do(engine: sa.Engine) -> None:
    first, second = make(engine), make(engine)
    control = Access(engine)
    head, number, secret = first.split("_", 2)
    wrong = [
        f"{head}_{second.split('_', 2)[1]}_{secret}",
        f"{head}_{number}_{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
        f"{head}_{number}_",
        first + "x",
        first.upper(),
        f"{head}_{number}_{secret[:-1]}\0",
    ]
    assert [control.token(presented) for presented in wrong] == [None] * len(wrong)


def test_a_revoked_token_is_refused_at_once_and_others_of_its_name_with_it(
    engine: sa.Engine,
) -> None:
    control = Access(engine)
    made = [make(engine), make(engine)]
    other = make(engine, "noc-2")
    with engine.begin() as connection:
        assert tokens.revoke(connection, "noc-1") == 2
        assert tokens.revoke(connection, "noc-1") == 0
    assert [control.token(each) for each in made] == [None, None]
    assert control.token(other) is not None


def test_one_token_can_be_revoked_by_its_id(engine: sa.Engine) -> None:
    old, new = make(engine), make(engine)
    with engine.begin() as connection:
        assert tokens.revoke(connection, old.split("_", 2)[1]) == 1
    assert Access(engine).token(old) is None
    assert Access(engine).token(new) is not None


def test_an_expired_token_is_refused(engine: sa.Engine) -> None:
    now = datetime.now(UTC)
    assert Access(engine).token(make(engine, expires_at=now + timedelta(hours=1))) is not None
    assert Access(engine).token(make(engine, expires_at=now - timedelta(seconds=1))) is None


def test_the_last_use_is_noted_but_not_for_every_request(engine: sa.Engine) -> None:
    made = make(engine)

    def used() -> datetime | None:
        with engine.connect() as connection:
            return tokens.listed(connection)[0].last_used_at

    assert used() is None
    Access(engine).token(made)
    first = used()
    Access(engine).token(made)
    assert first is not None
    assert used() == first


def test_revoking_the_last_token_does_not_open_the_gateway(engine: sa.Engine) -> None:
    control = Access(engine)
    assert not control.tokens_made()
    make(engine)
    with engine.begin() as connection:
        tokens.revoke(connection, "noc-1")
    assert control.tokens_made()


def test_a_name_that_is_none_is_refused(engine: sa.Engine) -> None:
    for name in ("", "a b", "a\nb", "x" * 65, "-x"):
        with pytest.raises(ValueError, match="a name is"):
            make(engine, name)


def test_an_empty_limit_stays_a_limit(engine: sa.Engine) -> None:
    found = Access(engine).token(make(engine, scope=Scope(sites=frozenset())))
    assert found is not None
    assert found.scope == Scope(sites=frozenset())
