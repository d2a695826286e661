"""The record of a request, and the faults that a test injects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Kind = Literal["fail", "drop", "corrupt", "before"]


class Request(NamedTuple):
    """One request and its outcome: bytes are those of the bodies, status is 0 where no answer was sent."""

    method: str
    path: str
    status: int
    bytes_sent: int
    bytes_received: int


@dataclass
class Fault:
    """What goes wrong at requests whose `METHOD path` matches: from match number `first` on, `times` times."""

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
