"""Runs a boot script as the guest shell of IOS-XE does: alone, with a module ``cli``.

Started as ``python -I guestshell_runner.py DESCRIPTOR SCRIPT`` in a process of its own; the
descriptor is a socket on which the router answers one JSON object a line. Uses nothing but the
standard library, and nothing of the simulation but that socket.
"""

import json
import runpy
import socket
import sys
import types
from collections import namedtuple
from collections.abc import Callable, Iterable
from typing import Any

ConfigResult = namedtuple("ConfigResult", "success command line output notes")


class cli_syntax_error(Exception):  # noqa: N801 - the name that scripts catch
    """A command that the parser does not take."""

    def __init__(self, command: str, message: str) -> None:
        super().__init__(message)
        self.command = command
        self.message = message


class _Router:
    def __init__(self, descriptor: int) -> None:
        self._file = socket.socket(fileno=descriptor).makefile("rw", encoding="utf-8")

    def call(self, kind: str, text: str) -> dict[str, Any]:
        self._file.write(json.dumps({"kind": kind, "text": text}) + "\n")
        self._file.flush()
        answer = self._file.readline()
        if not answer:
            raise SystemExit(255)  # the router lost its power
        result: dict[str, Any] = json.loads(answer)
        return result


def _commands(text: str) -> list[str]:
    return [part.strip() for line in text.splitlines() for part in line.split(" ; ")]


def _configuring(router: _Router) -> tuple[Callable[..., Any], ...]:
    def configure(configuration: str | Iterable[str]) -> list[ConfigResult]:
        lines = configuration.splitlines() if isinstance(configuration, str) else configuration
        answer = router.call("configure", "\n".join(str(line) for line in lines))
        return [ConfigResult(*result) for result in answer["results"]]

    def configurep(configuration: str | Iterable[str]) -> None:
        for result in configure(configuration):
            outcome = "SUCCESS" if result.success else f"FAILURE {result.output}"
            print(f'Line {result.line} {outcome}: "{result.command}"')  # noqa: T201 - this is what it does

    return configure, configurep


def module(router: _Router) -> types.ModuleType:
    """Return the module ``cli`` with the functions that IOS-XE offers."""

    def cli(command: str) -> str:
        answer = router.call("cli", "\n".join(_commands(command)))
        if answer["refused"]:
            raise cli_syntax_error(answer["refused"], answer["output"])
        return str(answer["output"])

    def clip(command: str) -> None:
        print(cli(command))  # noqa: T201 - this is what it does

    def execute(command: str) -> str:
        if "\n" in command or " ; " in command:
            raise cli_syntax_error(command, "one command only")
        return cli(command)

    def executep(command: str) -> None:
        print(execute(command))  # noqa: T201 - this is what it does

    result = types.ModuleType("cli")
    errors = types.SimpleNamespace(cli_syntax_error=cli_syntax_error)
    for function in (cli, clip, execute, executep, *_configuring(router)):
        setattr(result, function.__name__, function)
    vars(result).update(errors=errors, cli_syntax_error=cli_syntax_error, ConfigResult=ConfigResult)
    return result


if __name__ == "__main__":
    sys.modules["cli"] = module(_Router(int(sys.argv[1])))
    script = sys.argv[2]
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")
