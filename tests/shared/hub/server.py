"""A Hugging Face Hub on 127.0.0.1 that the unmodified client speaks to, and that fails when a test asks it to.

It has datasets, users, private and gated repositories, commits, tags and large objects, and forgets all of them when
its process ends.  Large files are fetched from and put to another address, `localhost`, as on the real Hub.
`python -m tests.shared.hub.server COMMAND...` runs a command that finds it in place of the real one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tests.shared.hub.faults import Fault, Kind, Request
from tests.shared.hub.handler import Handler, Server
from tests.shared.hub.repositories import Blob, Repository
from tests.shared.hub.state import Hub, User

PAGE_SIZE = 1000
"""Entries of a tree that the Hub lists at once."""


class HubServer:
    """A Hub that answers from the moment `start` is called; its address is known before.

    A request is matched by its method and its unquoted path without the query, such as
    ``GET /datasets/owner/name/resolve/v1.0.0/index.parquet``.  A large file takes two requests: one there, answered by
    a redirection, and one to ``/storage/datasets/...``, which has the bytes.
    """

    def __init__(self) -> None:
        self._http = Server(("127.0.0.1", 0), Handler)
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
        """Forget faults and recorded requests; users and datasets stay."""
        with self.lock:
            self.page_size = PAGE_SIZE
            self.requests: list[Request] = []
            self.unknown: list[str] = []
            self._faults: list[Fault] = []

    def fail(self, match: str, *, status: int = 500, nth: int = 1, times: int = 1) -> None:
        """Refuse the nth matching request from now, and those after it until `times` requests are refused."""
        self._add(Fault("fail", re.compile(match), status, nth, times))

    def drop(self, match: str, *, after: int, times: int = 1) -> None:
        """Close the connection after the first `after` bytes of an answer's body.

        The request has been carried out by then.  After 0 bytes nothing is sent at all: the answer is lost.
        """
        self._add(Fault("drop", re.compile(match), after, times=times))

    def corrupt(self, match: str, *, offset: int, times: int = 1) -> None:
        """Flip a bit at an offset of a body that is sent, and leave everything else as it is."""
        self._add(Fault("corrupt", re.compile(match), offset, times=times))

    def before(self, match: str, action: Callable[[], object]) -> None:
        """Call a function once, just before a matching request is answered."""
        self._add(Fault("before", re.compile(match), action))

    def _add(self, fault: Fault) -> None:
        with self.lock:
            self._faults.append(fault)

    def strike(self, kind: Kind, line: str, *, reach: int | None = None) -> Any:
        """Return the value of the fault that strikes a request, or None; a fault beyond a body's `reach` does not."""
        with self.lock:
            due = [fault for fault in self._faults if fault.kind == kind and (reach is None or fault.value < reach)]
            struck = [fault for fault in due if fault.strikes(line)]
        return struck[0].value if struck else None

    def user(self, name: str, *, orgs: tuple[str, ...] = (), may_write: bool = True) -> str:
        """Return a new token of a user."""
        with self.lock:
            token = f"hf_{name}{len(self.state.users)}"
            self.state.users[token] = User(name, orgs, may_write)
        return token

    def create(self, name: str, files: Mapping[str, bytes] | None = None, *, private: bool = False) -> None:
        """Create a dataset, with files in it."""
        with self.lock:
            self.state.repositories[name] = Repository(name, private=private)
        if files:
            self.commit(name, files)

    def forget(self, name: str) -> None:
        """Remove a dataset, if there is one of this name."""
        with self.lock:
            self.state.repositories.pop(name, None)

    def commit(self, name: str, files: Mapping[str, bytes], *, without: tuple[str, ...] = ()) -> str:
        """Add files to a dataset, past the client; return the oid of the commit."""
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
        """Let only its owner and some users read the files of a dataset."""
        with self.lock:
            self.state.repositories[name].gated = "manual"
            self.state.repositories[name].granted = set(granted)

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        """Return every file of a dataset, .gitattributes included."""
        with self.lock:
            return {path: blob.content for path, blob in self.state.repositories[name].at(revision).tree.items()}

    def tags(self, name: str) -> dict[str, str]:
        """Return the oid of the commit of every tag."""
        with self.lock:
            return {tag: commit.oid for tag, commit in self.state.repositories[name].tags.items()}

    def fetched_from_store(self) -> set[str]:
        """Return the files of a store, by their paths in it, that were asked for since the last reset."""
        paths = (request.path for request in self.requests if request.method == "GET" and "/resolve/" in request.path)
        return {path.partition("store.zarr/")[2] for path in paths if "store.zarr/" in path}

    def head(self, name: str) -> str:
        """Return the oid of the last commit."""
        with self.lock:
            return self.state.repositories[name].head.oid


def main() -> int:
    """Run a command that finds this Hub instead of the real one, with a token for the user `owner`."""
    hub = HubServer()
    hub.start()
    with tempfile.TemporaryDirectory(prefix="hub-") as home:
        found = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.user("owner"), "HF_HOME": home, "HF_HUB_DISABLE_XET": "1"}
        return subprocess.run(sys.argv[1:], env=os.environ | found, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
