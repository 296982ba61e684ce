"""A Nornir for one run of the gateway's: a state of its own, no credentials, nothing logged."""

import logging
from collections.abc import Callable, Collection

from nornir.core import Nornir
from nornir.core.configuration import Config, LoggingConfig
from nornir.core.inventory import ConnectionOptions, Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.plugins.runners import RunnerPlugin
from nornir.core.processor import Processors
from nornir.core.state import GlobalState
from nornir.core.task import AggregatedResult, MultiResult, Task

from adapters.nornir.connection import NAME, SessionPlugin
from adapters.pool import Lease, SessionPool
from adapters.seam import Endpoint
from device_profiles.profile import Profile


def silence() -> None:
    """Keep Nornir from logging: it writes task arguments and whole tracebacks."""
    logging.getLogger("nornir").setLevel(logging.CRITICAL + 1)


def nornir_of(
    endpoints: Collection[Endpoint],
    pool: SessionPool,
    profiles: Callable[[str], Profile],
    runner: RunnerPlugin,
    processors: Processors | None = None,
) -> Nornir:
    """Return a Nornir of these devices. Failures of earlier runs are not known to it."""
    if ConnectionPluginRegister.available.get(NAME) is not SessionPlugin:
        ConnectionPluginRegister.register(NAME, SessionPlugin)
    hosts = Hosts(
        {
            endpoint.device: Host(
                endpoint.device,
                platform=endpoint.profile,
                connection_options={
                    NAME: ConnectionOptions(
                        extras={"lease": Lease(pool, endpoint), "profiles": profiles}
                    )
                },
            )
            for endpoint in endpoints
        }
    )
    return Nornir(
        inventory=Inventory(hosts, Groups(), Defaults()),
        config=Config(logging=LoggingConfig(enabled=False)),
        data=GlobalState(dry_run=False, failed_hosts=set()),
        processors=processors,
        runner=runner,
    )


class GivesBack:
    """A processor that gives a host's connection back as soon as the host is done."""

    def task_started(self, task: Task) -> None:
        """Nothing."""

    def task_completed(self, task: Task, result: AggregatedResult) -> None:
        """Nothing."""

    def task_instance_started(self, task: Task, host: Host) -> None:
        """Nothing."""

    def task_instance_completed(
        self,
        task: Task,  # noqa: ARG002 - Nornir's signature
        host: Host,
        result: MultiResult,  # noqa: ARG002 - Nornir's signature
    ) -> None:
        """Give it back."""
        host.close_connections()

    def subtask_instance_started(self, task: Task, host: Host) -> None:
        """Nothing."""

    def subtask_instance_completed(self, task: Task, host: Host, result: MultiResult) -> None:
        """Nothing: the host's task goes on."""
