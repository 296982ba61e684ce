"""A database that is away, as the queue's library and its driver tell it."""

import logging

import psycopg
from procrastinate.exceptions import ConnectorException

from rom.store.database import DatabaseAway

_LOGGERS = ("procrastinate.utils", "procrastinate.worker")
"""Who logs the errors that end a worker, which is told by us in one line."""


def is_database_away(error: BaseException) -> bool:
    """Tell whether ``error`` comes from a database that does not answer; of a group, every one."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_database_away, error.exceptions))
    if type(error) is ConnectorException and error.__cause__ is not None:
        return is_database_away(error.__cause__)
    return isinstance(error, (*DatabaseAway, psycopg.OperationalError))


class _OneLine(logging.Filter):
    """Takes the traceback from what a database that is away has caused."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and is_database_away(error):
            record.exc_info = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def log_in_one_line() -> None:
    """Let the queue's library log a database that is away without a traceback."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, _OneLine) for known in logger.filters):
            logger.addFilter(_OneLine())
