"""Structured logs: one JSON object a line on standard error, also from libraries."""

import logging
import logging.config
import sys
from collections.abc import Mapping

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_WORDS = ("password", "passwd", "secret", "token", "authorization", "community", "psk")
# Nornir logs task arguments, httpx whole URLs, the SSH libraries every packet.
_CHATTY = (
    "nornir", "httpx", "httpcore", "asyncssh", "paramiko", "ncclient", "netmiko", "scrapli",
    "alembic", "procrastinate", "uvicorn.access", "opentelemetry",
)  # fmt: skip


def mask_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace the value of every key that sounds like a secret, at any depth of mappings."""
    for key, value in event.items():
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = "***"
        elif isinstance(value, Mapping):
            event[key] = mask_secrets(_, __, dict(value))
    return event


def name_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Name the trace that the line belongs to, where something is traced."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def configure_logs(level: str, *, as_json: bool) -> None:
    """Send all logs of this process to standard error; raises ``ValueError`` for a wrong level."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    if not as_json:
        # Its own way to show a traceback prints local variables.
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        last[1:] = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": last,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {name: {"level": "WARNING"} for name in _CHATTY},
        }
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
