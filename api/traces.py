"""Sends traces to a collector by OTLP over HTTP (OpenTelemetry), where one is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from rom.model.errors import Misconfigured

_SETTING = "ROM_TRACES_URL"
_EXPORT_SECONDS = 5


@contextmanager
def traces_sent(url: str | None) -> Iterator[None]:
    """Send what is traced meanwhile to ``url``, such as ``http://127.0.0.1:4318/v1/traces``.

    What a collector does not take is lost, and nothing waits for it. Raises ``Misconfigured`` where
    the libraries are missing.
    """
    if url is None:
        yield
        return
    try:
        # Imported here: an extra of the package, and needed with this setting alone.
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        message = "the libraries are not installed; run pip install 'rom-gateway[traces]'"
        raise Misconfigured(message, field=_SETTING) from error
    release = {"service.name": "rom-gateway", "service.version": version("rom-gateway")}
    provider = TracerProvider(resource=Resource.create(release))
    exporter = OTLPSpanExporter(endpoint=url, timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
