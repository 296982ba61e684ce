"""Secrets of devices: entered and deleted, listed by name. No answer ever has a value in it."""

from http import HTTPStatus

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.dependencies import By, SecretsPart
from api.errors import ERRORS
from api.strict_route import StrictRoute
from rom.answers.secrets import SecretLine

PATH = "/rom/v1/secrets"
routes = APIRouter(prefix=PATH, tags=["ROM"], route_class=StrictRoute, responses=ERRORS)


class SecretRequest(BaseModel):
    """The body that carries a value to the gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    value: SecretStr = Field(min_length=1, max_length=8192)


@routes.get("", operation_id="listSecrets")
def list_secrets(secrets: SecretsPart) -> tuple[SecretLine, ...]:
    """List secrets by name, those too that a device names and nobody has entered."""
    return secrets.all()


@routes.put("/{name:path}", operation_id="setSecret")
def put(name: str, asked: SecretRequest, secrets: SecretsPart, by: By) -> SecretLine:
    """Keep a value under a name, replacing an earlier one; nobody can read it back."""
    return secrets.set(name, asked.value, by=by)


@routes.post("/{name:path}/rotate", operation_id="rotateSecret")
def rotate(name: str, asked: SecretRequest, secrets: SecretsPart, by: By) -> SecretLine:
    """Replace a password once every device that names it has let the gateway in with it."""
    return secrets.rotate(name, asked.value, by=by)


@routes.delete(
    "/{name:path}", operation_id="deleteSecret", status_code=HTTPStatus.NO_CONTENT
)  # fmt: skip
def delete(name: str, secrets: SecretsPart, by: By) -> None:
    """Forget a secret that no device names any more."""
    secrets.delete(name, by=by)
