import inspect
import pkgutil
import re
import warnings
from importlib import import_module
from pathlib import Path

import pytest

from adapters.errors import AdapterError, AuthenticationFailed, SessionLost, Unreachable
from adapters.faults.http import httpx_errors
from adapters.faults.netconf import ncclient_errors
from adapters.faults.snmp import pysnmp_errors, refused
from adapters.faults.sql import sqlalchemy_errors
from adapters.faults.ssh import netmiko_errors, paramiko_errors, scrapli_errors
from adapters.translation import Translation

# Modules that define what these adapters can meet: not file transfer, key files or RPC parsers.
LIBRARIES = [
    (
        ncclient_errors,
        "ncclient",
        [
            "",
            "operations.errors",
            "operations.retrieve",
            "operations.rpc",
            "transport.errors",
            "transport.parser",
            "xml_",
        ],
    ),
    (paramiko_errors, "paramiko", ["ssh_exception", "auth_strategy", "buffered_pipe"]),
    (netmiko_errors, "netmiko", ["exceptions"]),
    (scrapli_errors, "scrapli", ["exceptions"]),
    (httpx_errors, "httpx", [""]),
    (
        pysnmp_errors,
        "pysnmp",
        ["error", "carrier.error", "proto.error", "proto.errind", "smi.error"],
    ),
    (sqlalchemy_errors, "sqlalchemy", ["exc"]),
]
NOT_MET = {
    "asyncssh.asn1.ASN1DecodeError",  # caught inside asyncssh where keys are read
    "asyncssh.packet.PacketDecodeError",  # likewise, and becomes its ProtocolError
    "sqlalchemy.exc.EmulatedDBAPIException",  # only of emulated asynchronous drivers
}


def exceptions_of(library: str, modules: list[str]) -> set[type[Exception]]:
    found: set[type[Exception]] = set()
    for name in modules:
        module = import_module(f"{library}.{name}".rstrip("."))
        found |= {
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, Exception)
            and not issubclass(kind, Warning)
            and kind.__module__.split(".")[0] == library
            and f"{kind.__module__}.{kind.__name__}" not in NOT_MET
        }
    return found


@pytest.mark.parametrize(("translation", "library", "modules"), LIBRARIES)
def test_every_exception_class_of_the_library_is_mapped(
    translation: Translation, library: str, modules: list[str]
) -> None:
    kinds = exceptions_of(library, modules)
    assert len(kinds) > 5
    assert not [kind for kind in kinds if not translation.maps(kind)]


def test_pysnmp_has_no_exceptions_in_modules_the_walk_leaves_out() -> None:
    pysnmp = import_module("pysnmp")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = [i.name for i in pkgutil.iter_modules(pysnmp.__path__) if "error" in i.name]
    assert names == ["error"]


def test_a_translated_message_has_nothing_of_the_librarys_own_words() -> None:
    import httpx

    with pytest.raises(Unreachable) as caught, httpx_errors("KEA4-01"):
        raise httpx.ConnectError("http://user:hunter2@kea")
    assert "hunter2" not in str(caught.value)
    assert caught.value.device == "KEA4-01"


def test_our_own_errors_pass_a_translation_untouched() -> None:
    error = SessionLost("gone", outcome_unknown=True)
    with pytest.raises(SessionLost) as caught, httpx_errors("X"):
        raise error
    assert caught.value is error


def test_errors_of_our_own_code_are_not_translated() -> None:
    with pytest.raises(ZeroDivisionError), httpx_errors("X"):
        raise ZeroDivisionError


def test_an_unknown_outcome_has_its_own_reason() -> None:
    assert SessionLost("x", outcome_unknown=True).reason == "OUTCOME_UNKNOWN"
    assert SessionLost("x").reason == "DEVICE_UNREACHABLE"


def test_a_wrong_credential_is_never_retried() -> None:
    assert not AuthenticationFailed("x").retry


def test_every_error_has_a_reason_that_the_operator_guide_explains() -> None:
    guide = Path(__file__).parents[3] / "docs" / "operator-guide.md"
    known = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", guide.read_text()))
    kinds: list[type[AdapterError]] = [AdapterError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert kind("x").reason in known
    assert SessionLost("x", outcome_unknown=True).reason in known


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (13, "RESOURCE_EXHAUSTED"),
        (14, "DEVICE_REFUSED"),
        (15, "OUTCOME_UNKNOWN"),
        (16, "AUTHENTICATION_FAILED"),
    ],
)
def test_an_snmp_error_status_has_its_reason(status: int, reason: str) -> None:
    assert refused("CE", status, "name", "1.3.6").reason == reason
