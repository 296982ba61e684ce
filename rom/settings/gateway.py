"""Settings of the gateway: those of its rooms and its own; every field has a safe default."""

import os
import re
from pathlib import Path
from typing import get_args

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from rom.access.settings import AccessSettings
from rom.events.settings import EventSettings
from rom.settings.file import read_environment, read_file, settings_file

_POSTGRESQL = re.compile(r"postgresql(\+psycopg)?://[^\s]*$")


def default_data_dir() -> Path:
    """Where state lives: a system directory for root, the user's own otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/rom-gateway")
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "rom-gateway"


def secret_names() -> list[str]:
    """Return the settings that are secrets, which may be named by a file."""
    return [name for name, field in Settings.model_fields.items() if SecretStr in _types(field)]


def _types(field: FieldInfo) -> tuple[object, ...]:
    return get_args(field.annotation) or (field.annotation,)


class Settings(AccessSettings, EventSettings):
    """What an operator may set. Durations are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix="ROM_", frozen=True, extra="forbid")

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: SecretStr | None = None
    """PostgreSQL 14 or later; ``None`` starts the embedded one in ``data_dir``."""
    redis_url: SecretStr | None = None
    """Redis that carries live events between replicas; ``None`` keeps them in this process."""
    master_key: SecretStr | None = None
    """At least 32 characters; ``None`` keeps a generated one in ``data_dir``, mode 0600."""
    host: str = "127.0.0.1"
    port: int = Field(default=8652, ge=0, le=65535)
    public_url: str | None = None
    """How others reach this gateway, for hrefs and the ZTP boot URL; default: host and port."""
    inventory_file: Path | None = None
    lab_ready_file: Path | None = None
    catalog_dir: Path | None = None
    profiles_dir: Path | None = None
    """Profiles of the operator's own, beside those that ship."""
    log_level: str = "INFO"
    log_json: bool = True
    traces_url: str | None = None
    """Where traces are sent by OTLP over HTTP; ``None`` traces nothing."""
    max_body_bytes: int = Field(default=1_048_576, ge=1024)
    max_connections: int = Field(default=512, ge=8)
    max_connections_of_address: int = Field(default=256, ge=4)
    """HTTP connections open at once, in all and of one client address."""
    workers: int = Field(default=6, ge=1, le=50)
    """Handlers running at once in this process."""
    lease_seconds: int = Field(default=60, ge=5)
    confirm_seconds: int = Field(default=120, ge=5, le=120)
    """Window of a confirmed commit."""
    group_size: int = Field(default=64, ge=1, le=64)
    """Most sites in one device transaction."""
    retry_seconds: float = Field(default=15.0, gt=0)
    """Pause before a device that could not be reached, or a check, is tried again."""
    audit_seconds: float = Field(default=3600, ge=0)
    """Pause between two checks of the fleet for drift; 0 switches them off."""
    history_days: float = Field(default=90, ge=0)
    """How long old snapshots, transactions and other records of what is over are kept."""
    history_orders: int = Field(default=20, ge=1)
    """Over how many of its orders a site can be rolled back however old they are."""
    twamp_packets: int = Field(default=30_000, ge=100)
    twamp_interval: float = Field(default=0.01, ge=0)
    """Seconds between two test packets."""

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _POSTGRESQL.match(url.get_secret_value()):
            message = "it is no URL such as postgresql://user:password@host:5432/database"
            raise PydanticCustomError("database_url", message)
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say where settings come from, what wins first: options, the environment, the file."""
        secrets = secret_names()
        place = settings_file()
        written = {} if place is None else read_file(place, cls.model_fields, secrets)
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, read_environment(secrets)),
            InitSettingsSource(settings_cls, written),
        )

    @property
    def base_url(self) -> str:
        """Absolute URL of this gateway without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
