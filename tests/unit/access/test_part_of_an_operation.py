"""A member of a request that needs more of its sender than the operation itself."""

import pytest
from starlette.requests import Request

from api.access.permissions import FORCING, require
from api.access.principal import Principal, Role, attach
from api.errors import ApiError


def request_of(*roles: Role) -> Request:
    async def still() -> bool:
        return True

    scope = {"type": "http"}
    attach(scope, Principal("somebody", frozenset(roles)), still)
    return Request(scope)


@pytest.mark.parametrize("role", sorted(FORCING))
def test_one_of_the_roles_is_enough(role: Role) -> None:
    require(request_of(Role.READER, role), FORCING, "policy")


def test_who_operates_may_not_force_a_rollback() -> None:
    assert {Role.APPROVER, Role.ADMIN} == FORCING
    with pytest.raises(ApiError) as caught:
        require(request_of(Role.NOC, Role.SOM), FORCING, "policy")
    refusal = caught.value
    assert (refusal.status, refusal.code) == (403, "forbidden")
    assert refusal.reason == "policy: needs one of admin, approver"
    assert refusal.message == "Ask with another token"
