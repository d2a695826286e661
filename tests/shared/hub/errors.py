"""Errors as the Hub answers them: a status, a message and, where the client distinguishes by it, an error code."""

from __future__ import annotations

from collections.abc import Mapping


class AnswerError(Exception):
    """A call that the Hub refuses, with the status and the code of its answer."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})
