"""What a database holds at some point, so that tests that begin there need not go there again."""

import os
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

READY = "ROM_TEST_KEPT"
"""Environment variable: a file with what was kept beforehand, for databases that begin alike."""


class Kept:
    """Copies of all rows, by the name of the point at which they were taken."""

    def __init__(self, engine: sa.Engine, tables: Iterable[sa.Table]) -> None:
        self._engine = engine
        self._tables = [table.name for table in tables]
        self._points: dict[str, dict[str, bytes]] = {}
        if ready := os.environ.get(READY):
            self._points = pickle.loads(Path(ready).read_bytes())  # noqa: S301 - our own

    def __contains__(self, point: str) -> bool:
        return point in self._points

    def keep(self, point: str) -> None:
        """Copy all there is; the numbers that come after go on from there."""
        with self._engine.begin() as connection:
            found = {name: _copied(connection, name) for name in self._tables}
        self._points[point] = {name: rows for name, rows in found.items() if rows}

    def save(self, file: Path) -> None:
        """Write all points to a file for other processes."""
        file.write_bytes(pickle.dumps(self._points))

    def restore(self, point: str) -> None:
        """Fill an empty database with what was there."""
        with self._engine.begin() as connection:
            # Triggers have had their say when the rows were written first.
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            for name, rows in self._points[point].items():
                with _cursor(connection).copy(f'COPY "{name}" FROM STDIN') as copy:
                    copy.write(rows)


def _cursor(connection: sa.Connection) -> Any:
    return connection.connection.cursor()


def _copied(connection: sa.Connection, name: str) -> bytes:
    with _cursor(connection).copy(f'COPY "{name}" TO STDOUT') as copy:
        return b"".join(bytes(part) for part in copy)
