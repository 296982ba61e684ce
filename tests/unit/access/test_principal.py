"""Who a request comes from."""

import pytest
from starlette.requests import Request

from api.access.principal import OPEN_LAB, Principal, Role, attach, principal


def test_without_authentication_everybody_is_the_open_lab_with_every_role() -> None:
    assert principal(Request({"type": "http"})) == OPEN_LAB
    assert OPEN_LAB.roles == set(Role)
    assert not OPEN_LAB.scope.limited


def test_a_request_carries_its_principal() -> None:
    scope = {"type": "http"}
    attach(scope, Principal("som-1", frozenset({Role.SOM}), customers=frozenset({"ACME"})))
    found = principal(Request(scope))
    assert found.name == "som-1"
    assert found.scope.limited


def test_an_empty_set_limits_to_nothing() -> None:
    assert Principal("som-1", frozenset(), sites=frozenset()).scope.limited


def test_a_principal_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        OPEN_LAB.name = "other"  # type: ignore[misc]  # what is tested
