"""Who a request comes from."""

import asyncio

import pytest
from starlette.requests import Request

from api.access.principal import OPEN_LAB, Principal, Role, attach, principal, still_allowed


def test_without_authentication_everybody_is_the_open_lab_with_every_role() -> None:
    assert principal(Request({"type": "http"})) == OPEN_LAB
    assert OPEN_LAB.roles == set(Role)
    assert not OPEN_LAB.scope.limited


def test_a_request_carries_its_principal_and_who_may_say_that_it_is_over() -> None:
    async def revoked() -> bool:
        return False

    scope = {"type": "http"}
    assert asyncio.run(still_allowed(Request(scope)))
    som = Principal("som-1", frozenset({Role.SOM}), customers=frozenset({"ACME"}))
    attach(scope, som, revoked)
    found = principal(Request(scope))
    assert found.name == "som-1"
    assert found.scope.limited
    assert not asyncio.run(still_allowed(Request(scope)))


def test_an_empty_set_limits_to_nothing() -> None:
    assert Principal("som-1", frozenset(), sites=frozenset()).scope.limited


def test_a_principal_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        OPEN_LAB.name = "other"  # type: ignore[misc]  # what is tested
