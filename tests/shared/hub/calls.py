"""Calls to a Hub and its answers; an endpoint is a function from one to the other, found by method and path."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from tests.shared.hub.errors import AnswerError
from tests.shared.hub.state import Hub

ID = r"(?P<id>[^/]+/[^/]+)"
D = rf"/api/datasets/{ID}"
Endpoint = Callable[..., "Answer"]
Route = tuple[str, re.Pattern[str], Endpoint]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, body and headers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request to a Hub.

    `endpoint` is the Hub's own address.  `storage` is where large objects are fetched from and put to: it sees no
    tokens, only addresses that the Hub has signed.
    """

    hub: Hub
    endpoint: str
    storage: str
    page_size: int
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str | None:
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def asks_for(self, name: str) -> bool:
        return self.query.get(name, ["false"])[0].lower() in ("true", "1")

    def signed(self, path: str) -> str:
        return f"{self.storage}{path}?{urlencode({'signature': self._signature(path)})}"

    def check_signature(self) -> None:
        if self.token is not None:
            raise AnswerError(400, "InvalidArgument: only one auth mechanism allowed")
        if self.query.get("signature") != [self._signature(self.path)]:
            raise AnswerError(403, "SignatureDoesNotMatch")

    def _signature(self, path: str) -> str:
        return hashlib.sha256(f"{self.hub.secret} {unquote(path)}".encode()).hexdigest()[:16]


def answer(call: Call, routes: Iterable[Route]) -> Answer | None:
    """Answer a call; return None if there is no such endpoint."""
    for method, pattern, endpoint in routes:
        found = pattern.fullmatch(call.path)
        if found and method == call.method.replace("HEAD", "GET"):
            try:
                return endpoint(call, **{name: unquote(text or "") for name, text in found.groupdict().items()})
            except AnswerError as error:
                return refused(error)
    return None


def refused(error: AnswerError) -> Answer:
    """Return the answer in which the Hub refuses a call."""
    headers = {"X-Error-Message": ascii(error.message)[1:-1], **error.headers}
    if error.code:
        headers["X-Error-Code"] = error.code
    return as_json({"error": error.message}, error.status, headers)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


class Routes(list[Route]):
    """Endpoints, each with its method and the pattern of its path."""

    def add(self, method: str, pattern: str) -> Callable[[Endpoint], Endpoint]:
        """Return a decorator that makes a function the endpoint of a method and a path."""

        def take(endpoint: Endpoint) -> Endpoint:
            self.append((method, re.compile(pattern), endpoint))
            return endpoint

        return take
