"""A Hugging Face Hub on 127.0.0.1 that the unmodified client speaks to, and that fails when it is told to.

It has datasets, users, private and gated repositories, commits, tags and large objects, and forgets all of it when
its process ends.  Large files are fetched from and put to another address, `localhost`, as the real Hub has it.
`python tests/hub_server.py COMMAND...` runs a command that finds it in the place of the real one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.shared.hub_calls import Answer, Call, answer, as_json, refused
from tests.shared.hub_reading import reading
from tests.shared.hub_state import AnswerError, Blob, Hub, Repository, User
from tests.shared.hub_writing import writing

PAGE_SIZE = 1000
"""Entries of a tree that the Hub lists at once."""


Kind = Literal["fail", "drop", "corrupt", "before"]


class Request(NamedTuple):
    """One request and what came of it; the bytes are those of the bodies, the status is 0 where no answer went out."""

    method: str
    path: str
    status: int
    bytes_sent: int
    bytes_received: int


@dataclass
class Fault:
    """What goes wrong at some requests: those whose `METHOD path` is matched, from the first-th on, so many times."""

    kind: Kind
    match: re.Pattern[str]
    value: Any
    first: int = 1
    times: int = 1
    seen: int = 0

    def strikes(self, line: str) -> bool:
        if not self.match.search(line):
            return False
        self.seen += 1
        return self.first <= self.seen < self.first + self.times


class HubServer:
    """A Hub that answers from the moment `start` is called; its address is known before.

    A request is matched by its method and its unquoted path without the query, such as
    ``GET /datasets/owner/name/resolve/v1.0.0/index.parquet``; a large file is a request there, answered by a
    redirection, and a second one to ``/storage/datasets/...``, which has the bytes.
    """

    def __init__(self) -> None:
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.hub = self
        self.port = self._http.server_port
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.state = Hub()
        self.lock = threading.RLock()
        self.reset()

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def reset(self) -> None:
        """Forget faults and records; users and datasets stay."""
        with self.lock:
            self.page_size = PAGE_SIZE
            self.requests: list[Request] = []
            self.unknown: list[str] = []
            self._faults: list[Fault] = []

    def fail(self, match: str, *, status: int = 500, nth: int = 1, times: int = 1) -> None:
        """Answer the nth request from now that is matched, and the next ones, with an error instead of doing it."""
        self._add(Fault("fail", re.compile(match), status, nth, times))

    def drop(self, match: str, *, after: int, times: int = 1) -> None:
        """Close the connection after so many bytes of an answer's body.

        What was asked has then been done.  After 0 bytes nothing is sent at all: an answer that is lost.
        """
        self._add(Fault("drop", re.compile(match), after, times=times))

    def corrupt(self, match: str, *, offset: int, times: int = 1) -> None:
        """Flip a bit at an offset of a body that is sent; nothing else tells."""
        self._add(Fault("corrupt", re.compile(match), offset, times=times))

    def before(self, match: str, action: Callable[[], object]) -> None:
        """Do something once, just before a request is answered."""
        self._add(Fault("before", re.compile(match), action))

    def _add(self, fault: Fault) -> None:
        with self.lock:
            self._faults.append(fault)

    def strike(self, kind: Kind, line: str, *, reach: int | None = None) -> Any:
        """Give what goes wrong at a request, or nothing; what is beyond the reach of a body does not go wrong."""
        with self.lock:
            due = [fault for fault in self._faults if fault.kind == kind and (reach is None or fault.value < reach)]
            struck = [fault for fault in due if fault.strikes(line)]
        return struck[0].value if struck else None

    def user(self, name: str, *, orgs: tuple[str, ...] = (), may_write: bool = True) -> str:
        """Give a new token of a user's."""
        with self.lock:
            token = f"hf_{name}{len(self.state.users)}"
            self.state.users[token] = User(name, orgs, may_write)
        return token

    def create(self, name: str, files: Mapping[str, bytes] | None = None, *, private: bool = False) -> None:
        """Make a dataset, with files in it."""
        with self.lock:
            self.state.repositories[name] = Repository(name, private=private)
        if files:
            self.commit(name, files)

    def forget(self, name: str) -> None:
        """Have no such dataset any more, if there was one."""
        with self.lock:
            self.state.repositories.pop(name, None)

    def commit(self, name: str, files: Mapping[str, bytes], *, without: tuple[str, ...] = ()) -> str:
        """Add files to a dataset, past the client; give the commit's oid."""
        with self.lock:
            repository = self.state.repositories[name]
            kept = {path: blob for path, blob in repository.head.tree.items() if path not in without}
            for path, content in files.items():
                kept[path] = Blob(content, repository.wants_large(path, content[:512], len(content)))
                repository.objects[kept[path].sha256] = content
            return repository.commit(kept, "Files of a test").oid

    def tag(self, name: str, tag: str, revision: str = "main") -> None:
        """Tag a commit, past the client."""
        with self.lock:
            self.state.repositories[name].tag(tag, revision)

    def gate(self, name: str, *granted: str) -> None:
        """Let nobody but its owner and some users read a dataset's files."""
        with self.lock:
            self.state.repositories[name].gated = "manual"
            self.state.repositories[name].granted = set(granted)

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        """Give every file of a dataset, .gitattributes included."""
        with self.lock:
            return {path: blob.content for path, blob in self.state.repositories[name].at(revision).tree.items()}

    def tags(self, name: str) -> dict[str, str]:
        """Give the oid of the commit of every tag."""
        with self.lock:
            return {tag: commit.oid for tag, commit in self.state.repositories[name].tags.items()}

    def head(self, name: str) -> str:
        """Give the oid of the last commit."""
        with self.lock:
            return self.state.repositories[name].head.oid


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one piece: in two they wait for each other, 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

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
        # Recorded first, so that who has the answer finds the record.
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


def main() -> int:
    """Run a command that finds this Hub instead of the real one, with a token for the user `owner`."""
    hub = HubServer()
    hub.start()
    with tempfile.TemporaryDirectory(prefix="hub-") as home:
        found = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.user("owner"), "HF_HOME": home, "HF_HUB_DISABLE_XET": "1"}
        return subprocess.run(sys.argv[1:], env=os.environ | found, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
