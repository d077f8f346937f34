"""The spans of a request, and how they get to a collector.

A request ends its spans in a bounded queue; one thread sends them by OTLP over HTTP. What the
collector does not take in time is lost, and no request waits for it.
"""

import threading
from collections.abc import Mapping

from flask import Flask, Response, g, has_request_context, request
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from api.metrics import METHODS

MOST = 256  # characters of a path

NAME = "classifier-api"  # unless OTEL_SERVICE_NAME says otherwise

# What is asked every few seconds, by nobody who wants an answer traced.
UNTRACED = frozenset({"/health", "/ready", "/metrics", "/v2/health/live", "/v2/health/ready"})


class Tracing:
    """Makes the spans of requests; in any thread, within a request."""

    def __init__(self) -> None:
        resource = Resource({SERVICE_NAME: NAME}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracer = self._provider.get_tracer("api")
        self._incoming = TraceContextTextMapPropagator()

    def start(self) -> None:
        """Start the thread that sends spans; after any fork."""
        self._exporter = OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))

    def stop(self, timeout: float) -> bool:
        """Send what waits, and say whether all was done within ``timeout`` seconds."""
        ending = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(timeout)
        if ending.is_alive():
            # It may wait to try again.
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
        return not ending.is_alive()

    def install(self, app: Flask) -> None:
        """Let requests of ``app`` have spans; first of all, as what begins first ends last."""
        app.before_request(self._begin)
        app.after_request(self._end)

    def record(
        self, part: str, began: int, ended: int, attributes: Mapping[str, AttributeValue]
    ) -> None:
        """Add a span for a part of the request, if that has one.

        Args:
            part: its name.
            began: when, in nanoseconds since 1970.
            ended: likewise.
            attributes: its facts.
        """
        span: Span | None = g.get("span") if has_request_context() else None
        if span is not None:
            within = set_span_in_context(span)
            child = self._tracer.start_span(part, within, attributes=attributes, start_time=began)
            child.end(ended)

    def _begin(self) -> None:
        """Begin a span, below the caller's own if that sent a ``traceparent``."""
        if request.path in UNTRACED:
            return
        method = request.method if request.method in METHODS else "_OTHER"
        facts = {
            "http.request.method": method,
            "url.path": request.path[:MOST],
            "url.scheme": request.scheme,
        }
        name = method
        if request.url_rule is not None:
            facts["http.route"] = request.url_rule.rule
            name = f"{method} {request.url_rule.rule}"
        g.span = self._tracer.start_span(
            name, self._incoming.extract(request.headers), SpanKind.SERVER, facts
        )

    def _end(self, response: Response) -> Response:
        span: Span | None = g.get("span")
        if span is not None:
            span.set_attribute("http.response.status_code", response.status_code)
            span.set_attribute("classifier.request_id", g.request_id)
            span.set_attribute("classifier.version", g.version)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
            span.end()
        return response
