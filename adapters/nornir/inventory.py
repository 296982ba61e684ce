"""Nornir's inventory plugin ``rom_gateway``: the gateway's devices as hosts with groups."""

import os
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
from nornir.core.inventory import (
    ConnectionOptions,
    Defaults,
    Group,
    Groups,
    Host,
    Hosts,
    Inventory,
    ParentGroups,
)
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from adapters.errors import AuthenticationFailed, ProtocolError, Unreachable
from adapters.nornir import logins
from adapters.nornir.connection import NAME

PLUGIN = "rom_gateway"
TOKEN = "ROM_TOKEN"  # noqa: S105 - the variable's name


class _Answer(BaseModel):
    """Part of the gateway's answer; a newer gateway may tell more than this plugin knows."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Endpoint(_Answer):
    host: str
    port: int
    host_key: str | None = Field(default=None, alias="hostKey")
    options: Mapping[str, str] = {}


class _Device(_Answer):
    device: str
    role: str
    profile: str | None
    sites: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}
    endpoint: _Endpoint | None = None


_DEVICES = TypeAdapter(tuple[_Device, ...])


class GatewayInventory:
    """Asks a gateway for its devices, ``GET /rom/v1/devices``.

    Hosts are the devices whose address inventory knows; the routers at sites are none, since
    their logins belong to the gateway. A host's ``platform`` is its profile; its data are
    ``role``, ``areas``, ``sites`` and ``attributes``; its groups are ``role__<role>``,
    ``platform__<profile>`` and ``area__<area>`` for each of its areas.

    ``token_env`` names the environment variable with the token for the gateway, ``username_env``
    and ``password_env`` those with the engineer's own login to the devices. ``area_attribute``
    is the attribute of a device that names its areas, one or a list. ``timeout`` is in seconds.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8652",
        *,
        token_env: str = TOKEN,
        username_env: str = logins.USERNAME,
        password_env: str = logins.PASSWORD,
        area_attribute: str = "area",
        ca_file: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._token_env = token_env
        self._logins = {"username_env": username_env, "password_env": password_env}
        self._area_attribute = area_attribute
        self._ca_file = ca_file
        self._timeout = timeout

    def load(self) -> Inventory:
        """Return the inventory.

        Raises Unreachable, AuthenticationFailed when the gateway does not accept the token, and
        ProtocolError when something else than a gateway answers.
        """
        groups, hosts, defaults = Groups(), Hosts(), Defaults()
        for device in self._devices():
            if device.endpoint is None or device.profile is None:
                continue
            areas = _listed(device.attributes.get(self._area_attribute))
            names = [f"role__{device.role}", f"platform__{device.profile}"]
            names += [f"area__{area}" for area in areas]
            for name in names:
                groups.setdefault(name, Group(name, defaults=defaults))
            hosts[device.device] = Host(
                device.device,
                hostname=device.endpoint.host,
                port=device.endpoint.port,
                platform=device.profile,
                groups=ParentGroups([groups[name] for name in names]),
                data={
                    "role": device.role,
                    "areas": areas,
                    "sites": list(device.sites),
                    "attributes": dict(device.attributes),
                },
                connection_options={
                    NAME: ConnectionOptions(extras=self._extras(device.device, device.endpoint))
                },
                defaults=defaults,
            )
        return Inventory(hosts, groups, defaults)

    def _extras(self, name: str, endpoint: _Endpoint) -> dict[str, Any]:
        return {
            "device": name,
            "host_key": endpoint.host_key,
            "options": dict(endpoint.options),
            **self._logins,
        }

    def _devices(self) -> tuple[_Device, ...]:
        token = os.environ.get(self._token_env)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        trust = ssl.create_default_context(cafile=self._ca_file) if self._ca_file else True
        try:
            answer = httpx.get(
                f"{self._url}/rom/v1/devices",
                headers=headers,
                verify=trust,
                timeout=self._timeout,
                trust_env=False,
            )
        except httpx.TransportError as error:
            raise Unreachable(f"no gateway answers: {error}", device=self._url) from error
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            message = f"the gateway wants another token in {self._token_env}"
            raise AuthenticationFailed(message, device=self._url)
        if answer.status_code != httpx.codes.OK:
            raise ProtocolError(f"the answer is {answer.status_code}", device=self._url)
        try:
            return _DEVICES.validate_json(answer.content)
        except ValidationError as error:
            raise ProtocolError("the answer is no list of devices", device=self._url) from error


def _listed(value: Any) -> list[str]:
    """Return an attribute that is absent, one word or a list of words as a list."""
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
