"""FreeRADIUS' rlm_sql tables behind the seam: rows in whatever database SQLAlchemy reaches."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, and_, column, create_engine, event, exc, make_url
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import select as sql_select
from sqlalchemy import table as sql_table
from sqlalchemy import update as sql_update
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.expression import ColumnElement, TableClause

from adapters.errors import EditRefused, SessionLost, Unsupported
from adapters.faults.codec import codec_errors
from adapters.faults.sql import sqlalchemy_errors
from adapters.receipts import changes_of, receipt
from adapters.seam import (
    ApplyMode,
    Capability,
    Endpoint,
    Query,
    Receipt,
    SecretResolver,
    SiteEdits,
)
from adapters.secrets import Secrets
from device_profiles import references
from device_profiles.native import native
from device_profiles.profile import Profile
from device_profiles.radius import RowChange, changes, decode, filters, radius_model
from device_profiles.references import Users
from device_profiles.steps import format_step
from device_profiles.tree import Path, Tree

_WORDS = 500


class RadiusSession:
    """Fulfils ``adapters.seam.Session`` with one database transaction a batch.

    ``Endpoint.options['url']`` is an SQLAlchemy URL without credentials; user name and password
    of the endpoint are added where they are given.
    """

    capabilities = frozenset({Capability.TRANSACTION, Capability.EDIT_ISOLATION})

    def __init__(self, endpoint: Endpoint, profile: Profile, resolver: SecretResolver) -> None:
        self._device = endpoint.device
        self._profile = profile
        self._secrets = Secrets(resolver, endpoint.device)
        self._engine = _engine(endpoint)
        self._gone: set[str] = set()
        """Entries that the transaction has removed; what is left of their keys is others'."""
        self.alive = True
        with sqlalchemy_errors(self._device), self._engine.connect():
            pass

    def __repr__(self) -> str:
        return f"RadiusSession({self._device})"

    def misfits(self) -> tuple[str, ...]:
        """Return which of the profile's tables and columns the database does not have."""
        missing = []
        for name in sorted(radius_model(self._profile).tables):
            with self._engine.connect() as connection:
                try:
                    connection.execute(sql_select(self._table(name)).limit(0))
                except exc.DatabaseError as error:
                    missing.append(f"table {name}: {self._words(error)}")
        return tuple(missing)

    def read(self, scope: Collection[Path]) -> Tree:
        """Return the rows in ``scope``; only those are selected."""
        if not scope:
            return {}
        with (
            codec_errors(self._device),
            sqlalchemy_errors(self._device),
            self._engine.connect() as connection,
        ):
            return decode(self._profile, self._rows(connection, scope), scope, self._gone)

    def users(self, entries: Collection[Path]) -> Users:
        """Return which rows refer to ``entries``; only rows that name them are selected."""
        scope = [
            (format_step(table, [(column, name)]),)
            for table, column, name in references.rows(self._profile, entries)
        ]
        if not scope:
            return {}
        with (
            codec_errors(self._device),
            sqlalchemy_errors(self._device),
            self._engine.connect() as connection,
        ):
            tree = decode(self._profile, self._rows(connection, scope))
            return references.users(self._profile, tree, entries)

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        """Return each path's cell."""
        if any(not query.path for query in queries):
            raise Unsupported("a query of a database needs a path", device=self._device)
        tree = self.read([query.path for query in queries])
        return {query.name: tree.get(query.path) for query in queries}

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        """Write all sites' rows and commit once; a refused site is rolled back to its savepoint.

        Raises Unreachable, and SessionLost with ``outcome_unknown`` when the commit's answer did
        not come.
        """
        wanted = changes_of(batch)
        if not wanted:
            return receipt(batch, mode, {})
        with codec_errors(self._device):
            made = {
                site.site: changes(self._profile, self._secrets.revealed(self._profile, site.edits))
                for site in wanted
            }
            sent = native(self._profile, [edit for site in wanted for edit in site.edits])
        with sqlalchemy_errors(self._device), self._engine.connect() as connection:
            refused: dict[str, str] = {}
            for site, rows in made.items():
                try:
                    with connection.begin_nested():
                        for row in rows:
                            self._change(connection, row)
                except (EditRefused, exc.IntegrityError, exc.DataError) as error:
                    refused[site] = self._words(error)
            if len(refused) < len(made):
                if mode.before_commit is not None:
                    mode.before_commit()
                self._commit(connection)
        done = (edit for site in wanted if site.site not in refused for edit in site.edits)
        self._gone = {edit.path[0] for edit in done if len(edit.path) == 1 and edit.after is None}
        return receipt(batch, mode, refused, sent)

    def confirm(self, transaction: str) -> None:  # noqa: ARG002 - seam
        """End the transaction: a database's commit is final."""
        self._gone = set()

    def cancel(self, transaction: str) -> None:  # noqa: ARG002 - seam
        """End the transaction: a database's commit is final; roll back by an apply."""
        self._gone = set()

    def save(self) -> None:
        """Do nothing: a database's commit is final."""

    def evidence(self, scope: Collection[Path]) -> bytes:  # noqa: ARG002 - seam
        """Raise Unsupported: nothing here is a configuration as a whole."""
        raise Unsupported("no configuration as a whole", device=self._device)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self.alive = False
        self._engine.dispose()

    def _rows(
        self, connection: Connection, scope: Collection[Path]
    ) -> list[tuple[str, Mapping[str, Any]]]:
        found: dict[tuple[str, tuple[Any, ...]], tuple[str, Mapping[str, Any]]] = {}
        for wanted in filters(self._profile, scope):
            table = self._table(wanted.table)
            statement = sql_select(table).where(_where(table, wanted.key))
            for row in connection.execute(statement).mappings():
                found[wanted.table, tuple(row.values())] = (wanted.table, dict(row))
        return list(found.values())

    def _change(self, connection: Connection, change: RowChange) -> None:
        table = self._table(change.table)
        where = _where(table, {**change.key, **change.was})
        match change.operation:
            case "delete":
                connection.execute(sql_delete(table).where(where))
            case "insert":
                # The tables have no unique key of their own: without this, twice makes two rows.
                same = _where(table, {**change.key, **change.values})
                connection.execute(sql_delete(table).where(same))
                connection.execute(sql_insert(table).values(**change.key, **change.values))
            case "update":
                done = connection.execute(sql_update(table).where(where).values(**change.values))
                if done.rowcount == 0:
                    raise EditRefused(
                        f"no such row in {change.table}", device=self._device, tag="data-missing"
                    )

    def _table(self, name: str) -> TableClause:
        described = radius_model(self._profile).tables[name]
        return sql_table(name, *(column(part) for part in (*described.keys, *described.columns)))

    def _words(self, error: Exception) -> str:
        if isinstance(error, EditRefused):
            return error.words
        words = str(getattr(error, "orig", None) or type(error).__name__)
        return self._secrets.masked(" ".join(words.split())[:_WORDS])

    def _commit(self, connection: Connection) -> None:
        try:
            connection.commit()
        except (exc.OperationalError, exc.InterfaceError) as error:
            raise SessionLost(
                "the commit's answer did not come", device=self._device, outcome_unknown=True
            ) from error


def _where(table: TableClause, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))


def _engine(endpoint: Endpoint) -> Engine:
    if "url" not in endpoint.options:
        raise Unsupported("no database URL in the options", device=endpoint.device)
    with sqlalchemy_errors(endpoint.device):
        url = make_url(endpoint.options["url"])
        if endpoint.username:
            url = url.set(username=endpoint.username, password=endpoint.password.get_secret_value())
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _let_us_begin)
        event.listen(engine, "begin", _begin)
    return engine


def _let_us_begin(connection: Any, record: Any) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    """Stop the driver from beginning on its own, which would leave savepoints outside."""
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 10000")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
