"""The NETCONF operations, by name (RFC 6241 sections 7 and 8)."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from lxml import etree

from mock_devices.netconf.datastores import DEFAULT_CONFIRM_TIMEOUT, CommitRequest, Datastores
from mock_devices.netconf.defaults import MODES, NO_DEFAULTS, presented
from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.filtering import selected
from mock_devices.netconf.markup import BASE, nsmap
from mock_devices.netconf.messages import Body, ok
from mock_devices.netconf.operational import StateData, StateRequest, state_tree
from mock_devices.netconf.parameters import Parameters, invalid
from mock_devices.netconf.tree import Container, merged
from mock_devices.netconf.writing import Writer

StateSource = Callable[[Container, StateRequest], StateData]


class Sessions(Protocol):
    """What operations need to know of the device's other sessions."""

    def kill(self, session: int) -> bool:
        """End a session by force; false when there is none of that number."""


class Operations:
    """Carries out one device's operations for any of its sessions."""

    def __init__(
        self,
        stores: Datastores,
        state: StateSource,
        sessions: Sessions,
        confirmed_commit: str = "1.1",
    ) -> None:
        self._stores = stores
        self._state_of = state
        self._sessions = sessions
        self._schema = stores.schema
        self._writer = Writer(stores.schema)
        self._known: dict[str, Callable[[int, etree._Element], Awaitable[Body]]] = {
            "get": self._get,
            "get-config": self._get_config,
            "edit-config": self._edit_config,
            "lock": self._lock,
            "unlock": self._unlock,
            "discard-changes": self._discard,
            "validate": self._validate,
            "commit": self._commit,
            "close-session": self._close,
            "kill-session": self._kill,
        }
        self._of_commit: list[str] = []
        if confirmed_commit:
            self._of_commit += ["confirmed", "confirm-timeout"]
        if confirmed_commit == "1.1":
            self._of_commit += ["persist", "persist-id"]
            self._known["cancel-commit"] = self._cancel
        if stores.startup is not None:
            self._known["copy-config"] = self._copy

    async def perform(self, session: int, operation: etree._Element) -> Body:
        """Return the body of the reply; raise ``RpcError`` or ``InvalidConfigurationError``."""
        name = etree.QName(operation)
        known = self._known.get(name.localname) if name.namespace == BASE else None
        if known is None:
            raise RpcError(
                "operation-not-supported",
                f"{name.localname} is not supported",
                kind="protocol",
                info={"bad-element": name.localname},
            )
        return await known(session, operation)

    async def _get(self, session: int, operation: etree._Element) -> Body:  # noqa: ARG002 - seam
        given = Parameters(operation, ("filter", "with-defaults"))
        filters = given.filters()
        state = self._state_of(self._stores.running, StateRequest(filters))
        shown = self._shown(self._stores.running, given)
        whole = merged(self._schema.root, shown, state_tree(self._schema, state))
        return self._data(whole, filters)

    async def _get_config(
        self,
        session: int,  # noqa: ARG002 - seam
        operation: etree._Element,
    ) -> Body:
        given = Parameters(operation, ("source", "filter", "with-defaults"))
        source = self._state(given.datastore("source"), "source")
        return self._data(self._shown(source, given), given.filters())

    async def _edit_config(self, session: int, operation: etree._Element) -> Body:
        given = Parameters(
            operation,
            ("target", "default-operation", "test-option", "error-option", "config", "url"),
        )
        target = given.datastore("target")
        default = given.choice("default-operation", {"merge", "replace", "none"}, "merge")
        test = given.choice("test-option", {"set", "test-then-set", "test-only"}, "set")
        error = given.choice(
            "error-option",
            {"stop-on-error", "rollback-on-error", "continue-on-error"},
            "stop-on-error",
        )
        if given.flag("url") or error == "continue-on-error":
            raise RpcError("operation-not-supported", "url and continue-on-error are not supported")
        config = given.required("config")
        if target == "running" and self._schema.writable_running:
            await self._stores.edit_running(session, config, default)
            return ok
        self._only_candidate(target)
        self._stores.edit(
            session, config, default_operation=default, error_option=error, test_option=test
        )
        return ok

    async def _lock(self, session: int, operation: etree._Element) -> Body:
        target = Parameters(operation, ("target",)).datastore("target")
        self._state(target, "target")
        self._stores.lock(session, target)
        return ok

    async def _unlock(self, session: int, operation: etree._Element) -> Body:
        target = Parameters(operation, ("target",)).datastore("target")
        self._state(target, "target")
        self._stores.unlock(session, target)
        return ok

    async def _discard(self, session: int, operation: etree._Element) -> Body:
        Parameters(operation, ())
        self._stores.discard(session)
        return ok

    async def _validate(self, session: int, operation: etree._Element) -> Body:  # noqa: ARG002 - seam
        source = Parameters(operation, ("source",)).datastore("source")
        self._stores.validate(self._state(source, "source"))
        return ok

    async def _commit(self, session: int, operation: etree._Element) -> Body:
        given = Parameters(operation, self._of_commit)
        confirmed = given.flag("confirmed")
        timeout = given.text("confirm-timeout")
        persist = given.text("persist")
        if not confirmed and (timeout is not None or persist is not None):
            raise invalid("confirmed", "confirm-timeout and persist need it")
        if timeout is not None and not (timeout.isdecimal() and 1 <= int(timeout) < 2**32):
            raise invalid("confirm-timeout", f"'{timeout}' is no number of seconds")
        await self._stores.commit(
            CommitRequest(
                session=session,
                confirmed=confirmed,
                timeout=float(timeout) if timeout else DEFAULT_CONFIRM_TIMEOUT,
                persist=persist,
                persist_id=given.text("persist-id"),
            )
        )
        return ok

    async def _copy(self, session: int, operation: etree._Element) -> Body:
        given = Parameters(operation, ("target", "source"))
        if (given.datastore("source"), given.datastore("target")) != ("running", "startup"):
            raise RpcError("operation-not-supported", "only running can be copied, to startup")
        self._stores.save_startup(session)
        return ok

    async def _cancel(self, session: int, operation: etree._Element) -> Body:
        self._stores.cancel_commit(
            session, Parameters(operation, ("persist-id",)).text("persist-id")
        )
        return ok

    async def _close(self, session: int, operation: etree._Element) -> Body:  # noqa: ARG002 - seam
        Parameters(operation, ())
        return ok

    async def _kill(self, session: int, operation: etree._Element) -> Body:
        text = Parameters(operation, ("session-id",)).text("session-id")
        if text is None:
            raise RpcError(
                "missing-element", "session-id is missing", info={"bad-element": "session-id"}
            )
        if not text.isdecimal() or int(text) == session or not self._sessions.kill(int(text)):
            raise invalid("session-id", f"no other session {text}")
        return ok

    def _state(self, name: str, parameter: str) -> Container:
        if name == "running":
            return self._stores.running
        if name == "candidate":
            return self._stores.candidate
        if name == "startup" and self._stores.startup is not None:
            return self._stores.startup
        raise invalid(parameter, f"datastore {name} is not supported")

    def _only_candidate(self, target: str) -> None:
        if target != "candidate":
            raise RpcError(
                "operation-not-supported", f"{target} cannot be edited here", kind="protocol"
            )

    def _shown(self, state: Container, given: Parameters) -> Container:
        asked, basic = given.with_defaults(), self._schema.with_defaults
        if basic == NO_DEFAULTS and asked is None:
            return state
        mode = asked or basic
        if mode not in MODES or basic == NO_DEFAULTS:
            raise invalid("with-defaults", f"mode '{mode}' is not supported")
        return presented(self._schema.root, state, mode)

    def _data(self, state: Container, filters: list[etree._Element] | None) -> Body:
        shown = state if filters is None else selected(self._schema.root, state, filters)

        def write(file: "etree._IncrementalFileWriter") -> None:
            with file.element(f"{{{BASE}}}data", nsmap=nsmap(BASE)):
                self._writer.write(file, shown)

        return write
