"""A SQLite database in the rlm_sql schema, and the decision a RADIUS server takes from it."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

Row = tuple[str, str, str]
"""Attribute, operator, value."""

_TABLES = ("radcheck", "radreply", "radusergroup", "radgroupcheck", "radgroupreply", "nas")


class RadiusDatabase:
    """The database a FreeRADIUS 3.2 server reads at every Access-Request.

    Created with ``seed`` (table name to rows by column) in ``state_dir`` unless it is there.
    """

    def __init__(
        self, state_dir: Path, seed: Mapping[str, Sequence[Mapping[str, str | int]]]
    ) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self.path = (state_dir / "radius.sqlite3").resolve()
        fresh = not self.path.exists()
        with self._connection() as connection:
            connection.executescript(
                files("mock_devices.services.radius").joinpath("schema.sql").read_text()
            )
            if fresh:
                for table, rows in seed.items():
                    _insert(connection, table, rows)

    @property
    def url(self) -> str:
        """The database as SQLAlchemy names it."""
        return f"sqlite:///{self.path}"

    def rows(self) -> dict[str, int]:
        """Return how many rows each table has."""
        with self._connection() as connection:
            counts: Counter[str] = Counter()
            for table in _TABLES:
                query = f"SELECT count(*) FROM {table}"  # noqa: S608 - table is a constant here
                counts[table] = connection.execute(query).fetchone()[0]
            return dict(counts)

    def authorize(self, user: str) -> tuple[tuple[str, str], ...] | None:
        """Return the reply attributes of an Access-Accept, or ``None`` for a reject.

        Follows rlm_sql's ``authorize``: the user's check and reply rows, then its groups by
        priority until one matches without ``Fall-Through = Yes``. Without ``Auth-Type := Accept``
        nobody is let in, because an IPoE request brings no password.
        """
        with self._connection() as connection:
            check = _items(connection, "radcheck", "username", user)
            control = _assigned(check)
            reply: list[tuple[str, str]] = []
            found = bool(check)
            if found:
                _merge(reply, _items(connection, "radreply", "username", user))
            for group in _groups(connection, user):
                group_check = _items(connection, "radgroupcheck", "groupname", group)
                if any(
                    op == "==" and control.get(name) != value for name, op, value in group_check
                ):
                    continue
                found = True
                control = {**_assigned(group_check), **control}
                group_reply = _items(connection, "radgroupreply", "groupname", group)
                _merge(reply, (row for row in group_reply if row[0] != "Fall-Through"))
                if ("Fall-Through", "=", "Yes") not in group_reply:
                    break
            accepted = found and control.get("Auth-Type") == "Accept"
            return tuple(reply) if accepted else None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            yield connection


def _insert(
    connection: sqlite3.Connection, table: str, rows: Iterable[Mapping[str, str | int]]
) -> None:
    if table not in _TABLES:
        raise ValueError(f"no table {table} in the rlm_sql schema")
    for row in rows:
        columns = ", ".join(row)
        marks = ", ".join(f":{column}" for column in row)
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - names are the seed's, values are bound
        connection.execute(statement, dict(row))


def _items(connection: sqlite3.Connection, table: str, key: str, name: str) -> list[Row]:
    query = f"SELECT attribute, op, value FROM {table} WHERE {key} = ? ORDER BY id"  # noqa: S608 - constants of this module
    return [
        (attribute, op.strip(), value)
        for attribute, op, value in connection.execute(query, (name,))
    ]


def _groups(connection: sqlite3.Connection, user: str) -> list[str]:
    query = "SELECT groupname FROM radusergroup WHERE username = ? ORDER BY priority, id"
    return [row[0] for row in connection.execute(query, (user,))]


def _assigned(rows: Iterable[Row]) -> dict[str, str]:
    return {name: value for name, op, value in rows if op in (":=", "=", "+=")}


def _merge(reply: list[tuple[str, str]], rows: Iterable[Row]) -> None:
    """Apply reply rows: ``:=`` replaces, ``=`` fills a gap, ``+=`` adds (unlang operators)."""
    for name, op, value in rows:
        present = any(known == name for known, _ in reply)
        if op == ":=":
            reply[:] = [pair for pair in reply if pair[0] != name]
        elif op == "=" and present:
            continue
        reply.append((name, value))
