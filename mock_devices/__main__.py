"""``python -m mock_devices up TOPOLOGY``: run a lab of simulated devices."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from mock_devices.lab.process import Run, StateDirectoryBusy, serve
from mock_devices.lab.topology import Settings, Topology, TopologyError, load_topology
from mock_devices.platform_files import PlatformFileError, look_beside

EXIT_FAILED, EXIT_REFUSED = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 stopped, 1 failed, 2 refused."""
    options = _parser().parse_args(arguments)
    try:
        look_beside(options.topology.resolve())
        topology = _with_settings(load_topology(options.topology), options)
        asyncio.run(
            serve(
                Run(
                    topology=topology,
                    folder=options.topology.resolve().parent / "baselines",
                    state_dir=options.state_dir,
                    ready_file=options.ready_file,
                    outlive_parent=options.outlive_parent,
                )
            )
        )
    except (PlatformFileError, TopologyError, StateDirectoryBusy) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_REFUSED
    except OSError as error:
        sys.stderr.write(f"the lab cannot start: {error}\n")
        return EXIT_FAILED
    return 0


def _with_settings(topology: Topology, options: argparse.Namespace) -> Topology:
    given = {
        name: getattr(options, name)
        for name in ("commit_delay", "delivery_seconds")
        if getattr(options, name) is not None
    }
    try:
        settings = Settings.model_validate({**topology.settings.model_dump(), **given})
    except ValidationError as error:
        faults = (f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise TopologyError("; ".join(faults)) from error
    return topology.model_copy(update={"settings": settings})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mock_devices", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start every device of a topology and run until stopped")
    up.add_argument("topology", type=Path, metavar="TOPOLOGY", help="topology file (YAML)")
    up.add_argument("--state-dir", type=Path, required=True, help="what devices keep")
    up.add_argument("--ready-file", type=Path, help="written, mode 0600, when all listen")
    up.add_argument("--commit-delay", type=float, metavar="S", help="seconds a commit takes")
    up.add_argument("--delivery-seconds", type=float, metavar="S", help="order to installation")
    up.add_argument(
        "--outlive-parent", action="store_true", help="go on when the starting process ends"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
