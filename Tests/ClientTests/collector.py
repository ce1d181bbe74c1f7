"""A collector of traces and a receiver of webhooks on one port, for tests.

Reads OTLP/HTTP exports with OpenTelemetry's own messages and prints a line of JSON for each span; `/hook` prints the
headers and the body of a webhook. The first export is answered with 503, as by a collector that starts. Ends with standard input.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

WIRE = "application/x-protobuf"
refused = []
lock = threading.Lock()


def show(line):
    with lock:
        print(json.dumps(line, separators=(",", ":")), flush=True)


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def read(body):
    request = ExportTraceServiceRequest.FromString(body)
    # A field that the messages do not know, or know otherwise, would be lost.
    known = ExportTraceServiceRequest.FromString(body)
    known.DiscardUnknownFields()
    assert known.ByteSize() == request.ByteSize() == len(body)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                assert len(span.trace_id) == 16 and len(span.span_id) == 8 and any(span.trace_id) and any(span.span_id)
                assert len(span.parent_span_id) in (0, 8)
                assert 1_700_000_000_000_000_000 < span.start_time_unix_nano <= span.end_time_unix_nano
                show({
                    "trace": span.trace_id.hex(), "id": span.span_id.hex(), "parent": span.parent_span_id.hex(),
                    "name": span.name, "kind": Span.SpanKind.Name(span.kind), "state": span.trace_state,
                    "status": Status.StatusCode.Name(span.status.code), "flags": span.flags,
                    "attributes": attributes(span.attributes), "resource": attributes(resource.resource.attributes),
                    "scope": scope.scope.name,
                    "links": [{"trace": link.trace_id.hex(), "id": link.span_id.hex()} for link in span.links],
                    "startMicros": span.start_time_unix_nano // 1000, "endMicros": span.end_time_unix_nano // 1000,
                })


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/hook":
            show({"hook": dict(self.headers.items()), "body": body.decode()})
            return self.answer(204, b"")
        if self.path != "/v1/traces" or self.headers["content-type"] != WIRE:
            return self.answer(400, b"")
        if self.headers["authorization"] != "Bearer a,b":
            return self.answer(401, b"")
        if not refused:
            refused.append(True)
            return self.answer(503, b"")
        read(body)
        self.answer(200, ExportTraceServiceResponse().SerializeToString())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", WIRE)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
show({"listening": True, "port": server.server_address[1]})
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
