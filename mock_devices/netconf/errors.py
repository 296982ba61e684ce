"""rpc-error as an exception (RFC 6241 section 4.3 and appendix A)."""

from collections.abc import Mapping

from mock_devices.netconf.schema import Instance, instance_path


class RpcError(Exception):
    """One refusal that the client shall read in full.

    ``info`` becomes children of error-info; ``where`` becomes error-path.
    """

    def __init__(
        self,
        tag: str,
        message: str,
        *,
        kind: str = "application",
        app_tag: str = "",
        where: Instance | None = None,
        info: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.tag = tag
        self.message = message
        self.kind = kind
        self.app_tag = app_tag
        self.where = where
        self.info = dict(info or {})

    def __str__(self) -> str:
        place = f" at {instance_path(self.where)}" if self.where else ""
        return f"{self.tag}: {self.message}{place}"


class InvalidConfigurationError(Exception):
    """Everything that validation found wrong at once; never empty."""

    def __init__(self, errors: list[RpcError]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors
