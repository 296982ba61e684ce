"""Faults as the control API takes them: JSON with the name of the fault and its parameters."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mock_devices.cli.device import CliDevice
from mock_devices.netconf import NetconfDevice, RpcError
from mock_devices.services.kea.agent import KeaAgent


class FaultUnsupported(Exception):
    """This kind of device has no such fault."""


class _Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RefuseConnections(_Fault):
    """Cut every new connection until set back."""

    fault: Literal["refuse-connections"]
    on: bool = True

    def strike(self, device: NetconfDevice) -> None:
        """Order it."""
        device.faults.refuse_connections = self.on


class DropSession(_Fault):
    """Cut the session at the next operation, before or after it is carried out."""

    fault: Literal["drop-session"]
    operation: str = "commit"
    moment: Literal["before", "after"] = "after"

    def strike(self, device: NetconfDevice) -> None:
        """Order it."""
        device.faults.drop_session(self.operation, self.moment)


class RefuseCommit(_Fault):
    """Refuse commits that touch ``text``; ``times`` null keeps refusing."""

    fault: Literal["refuse-commit"]
    text: str
    tag: str = "resource-denied"
    message: str = "out of hardware resources"
    times: int | None = Field(default=1, gt=0)

    def strike(self, device: NetconfDevice) -> None:
        """Order it."""
        device.faults.refuse_commit(self.text, RpcError(self.tag, self.message), self.times)


class SlowCommit(_Fault):
    """Add seconds to the next commit."""

    fault: Literal["slow-commit"]
    seconds: float = Field(ge=0, le=600)

    def strike(self, device: NetconfDevice) -> None:
        """Order it."""
        device.faults.slow_commit(self.seconds)


class CommitDelay(_Fault):
    """Make every commit take so many seconds from now on."""

    fault: Literal["commit-delay"]
    seconds: float = Field(ge=0, le=600)

    def strike(self, device: NetconfDevice) -> None:
        """Order it."""
        device.commit_delay = self.seconds


class Clear(_Fault):
    """Forget every fault that has not struck yet."""

    fault: Literal["clear"]

    def strike(self, device: NetconfDevice) -> None:
        """Order it."""
        device.faults.clear()


class RefuseLine(_Fault):
    """Refuse the next configuration line that contains ``text``."""

    fault: Literal["refuse-line"]
    text: str
    message: str = "% Command rejected: resource exhausted"

    def strike(self, device: CliDevice) -> None:
        """Order it."""
        device.faults.refuse(self.text, self.message)


class DropAfterLines(_Fault):
    """Close the session after so many more accepted configuration lines."""

    fault: Literal["drop-session"]
    lines: int = Field(gt=0)

    def strike(self, device: CliDevice) -> None:
        """Order it."""
        device.faults.drop_session_after(self.lines)


class Noise(_Fault):
    """Print a log message into the next line's echo."""

    fault: Literal["noise"]
    text: str

    def strike(self, device: CliDevice) -> None:
        """Order it."""
        device.faults.make_noise(self.text)


class AgentDown(_Fault):
    """Answer every request with an internal error until set back."""

    fault: Literal["down"]
    on: bool = True

    def strike(self, agent: KeaAgent) -> None:
        """Order it."""
        agent.down = self.on


class RefuseConfiguration(_Fault):
    """Refuse the next config-test, config-set or config-write with ``text``."""

    fault: Literal["refuse-configuration"]
    text: str

    def strike(self, agent: KeaAgent) -> None:
        """Order it."""
        agent.refuse_next = self.text


_BY_NAME = Field(discriminator="fault")
NetconfFault: TypeAdapter[
    RefuseConnections | DropSession | RefuseCommit | SlowCommit | CommitDelay | Clear
] = TypeAdapter(
    Annotated[
        RefuseConnections | DropSession | RefuseCommit | SlowCommit | CommitDelay | Clear, _BY_NAME
    ]
)
CliFault: TypeAdapter[RefuseLine | DropAfterLines | Noise] = TypeAdapter(
    Annotated[RefuseLine | DropAfterLines | Noise, _BY_NAME]
)
KeaFault: TypeAdapter[AgentDown | RefuseConfiguration] = TypeAdapter(
    Annotated[AgentDown | RefuseConfiguration, _BY_NAME]
)
