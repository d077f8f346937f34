"""A collector of traces, as a process of its own: it takes OTLP over HTTP, and gives JSON."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

received: list[dict[str, Any]] = []
lock = threading.Lock()


def value(typed: dict[str, Any]) -> Any:
    """An attribute's value as JSON has it."""
    ((kind, found),) = typed.items()
    return int(found) if kind == "intValue" else found


def facts(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Attributes by their names."""
    return {each["key"]: value(each["value"]) for each in attributes}


def spans(export: ExportTraceServiceRequest) -> list[dict[str, Any]]:
    """Every span of an export, with the attributes of its process."""
    return [
        span | {"attributes": facts(span.get("attributes", [])), "resource": facts(resource)}
        for group in MessageToDict(export)["resourceSpans"]
        for resource in [group["resource"]["attributes"]]
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    ]


class Handler(BaseHTTPRequestHandler):
    """``POST /v1/traces`` takes spans, and ``GET /`` gives them."""

    def do_POST(self) -> None:
        assert self.path == "/v1/traces", self.path
        assert self.headers["Content-Type"] == "application/x-protobuf"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            received.extend(spans(ExportTraceServiceRequest.FromString(body)))
        self.answer(ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf")

    def do_GET(self) -> None:
        with lock:
            self.answer(json.dumps(received).encode(), "application/json")

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
