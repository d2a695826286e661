"""Markdown: tables, fenced blocks, and users' text that stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_URL = re.compile(r"(https?://[^\s<>|]+)")
_MARKUP = re.compile(r"[\\`\[\]<|~]|&(?=[#\w]+;)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<!\s)\*|\*(?!\s)")
_OPENING = re.compile(r"^(?:([#>+=-])|(\d+)([.)])(?=\s|$))")


def plain(text: str) -> str:
    """Give a text as one line that Markdown shows as it is; addresses are left to become links."""
    parts = _URL.split(" ".join(text.split()))
    escaped = "".join(part if i % 2 else _MARKUP.sub(r"\\\g<0>", part) for i, part in enumerate(parts))
    return _OPENING.sub(lambda mark: rf"{mark[2] or ''}\{mark[1] or mark[3]}", escaped)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Give a table; what is not text already is a number, in four digits."""
    lines = [header, ["---"] * len(header), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    """Give what a cell of a table shows: no number is a dash, and 0 is exact."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def number(value: float) -> str:
    """Give a number as it was written, so that it is found again: 2 for 2.0, and every digit of 0.08."""
    return repr(value).removesuffix(".0")


def fenced(language: str, text: str) -> str:
    """Give a block of code."""
    return f"```{language}\n{text.strip()}\n```"


def size(count: int) -> str:
    """Give a number of bytes in MB, or in GB from a thousand of them on."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
