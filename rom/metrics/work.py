"""What is being worked on: the same words stand in every log line below, and in a trace.

Traces follow OpenTelemetry. Without an exporter, which the process sets up, spans are nothing.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import structlog
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind

_tracer = trace.get_tracer("rom")
_PREFIX = "rom."
REQUEST = "request_id"


def carried() -> dict[str, str]:
    """Return what a wake-up takes along: the request it comes from, and the trace (W3C)."""
    found: dict[str, str] = {}
    propagate.inject(found)
    request = structlog.contextvars.get_contextvars().get(REQUEST)
    return {**found, REQUEST: str(request)} if request else found


@contextmanager
def working(
    name: str,
    since: Mapping[str, str] | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    **subjects: str | Collection[str] | None,
) -> Iterator[None]:
    """Name what the block works on, such as ``site`` and ``order_id``; what is ``None`` is left.

    Several orders are named with commas between. ``since`` is what a wake-up has carried.
    """
    told = {
        subject: value if isinstance(value, str) else ",".join(sorted(value))
        for subject, value in subjects.items()
        if value
    }
    since = since or {}
    if since.get(REQUEST):
        told[REQUEST] = since[REQUEST]
    parent = propagate.extract(since) if "traceparent" in since else None
    attributes = {f"{_PREFIX}{subject}": value for subject, value in told.items()}
    with (
        structlog.contextvars.bound_contextvars(**told),
        # An error's text is for the log, which masks; a trace goes to somebody else's system.
        _tracer.start_as_current_span(
            name,
            context=parent,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ),
    ):
        yield


def note(**subjects: str) -> None:
    """Name something more that the present work is about, once it is known."""
    structlog.contextvars.bind_contextvars(**subjects)
    trace.get_current_span().set_attributes(
        {f"{_PREFIX}{subject}": value for subject, value in subjects.items()}
    )
