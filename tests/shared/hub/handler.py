"""HTTP: reads a request, answers it through the Hub's endpoints, and injects the faults that a test asked for."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.shared.hub.calls import Answer, Call, answer, as_json, refused
from tests.shared.hub.errors import AnswerError
from tests.shared.hub.faults import Request
from tests.shared.hub.reading import reading
from tests.shared.hub.writing import writing

if TYPE_CHECKING:
    from tests.shared.hub.server import HubServer


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about clients that hang up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one piece: sent apart, they cost 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        url, body = urlsplit(self.path), self._read()
        hub = self.server.hub
        line = f"{self.command} {unquote(url.path)}"
        action = hub.strike("before", line)
        if action:
            action()
        status = hub.strike("fail", line)
        answered = _failure(status) if status else self._answer(hub, url.path, url.query, body)
        if answered is None:
            hub.unknown.append(line)
            answered = refused(AnswerError(404, f"Sorry, we can't find the page you are looking for: {line}"))
        self._send(hub, line, answered, len(body))

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, hub: HubServer, path: str, query: str, body: bytes) -> Answer | None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        storage = f"http://localhost:{hub.port}"
        call = Call(hub.state, hub.endpoint, storage, hub.page_size, self.command, path, parse_qs(query), headers, body)
        with hub.lock:
            return answer(call, [*reading, *writing])

    def _send(self, hub: HubServer, line: str, answered: Answer, received: int) -> None:
        body = b"" if self.command == "HEAD" else answered.body
        offset = hub.strike("corrupt", line, reach=len(body))
        if offset is not None:
            body = body[:offset] + bytes([body[offset] ^ 1]) + body[offset + 1 :]
        after = hub.strike("drop", line, reach=max(len(body), 1))
        sent = len(body) if after is None else after
        # Recorded before it is sent, so that a client that has the answer also finds the record.
        method, path = line.split(" ", 1)
        hub.requests.append(Request(method, path, 0 if after == 0 else answered.status, sent, received))
        self.close_connection |= after is not None
        if after == 0:
            return
        self.send_response(answered.status)
        for name, value in answered.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answered.body)))
        self.end_headers()
        self.wfile.write(body[:sent])
        self.wfile.flush()


def _failure(status: int) -> Answer:
    headers = {"Retry-After": "0"} if status == 429 else {}
    return as_json({"error": f"The Hub was told to fail with {status}"}, status, headers)
