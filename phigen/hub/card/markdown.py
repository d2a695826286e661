"""Text that users wrote, escaped so that Markdown shows it as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_URL = re.compile(r"(https?://[^\s<>|]+)")
_MARKUP = re.compile(r"[\\`\[\]<|~]|&(?=[#\w]+;)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<!\s)\*|\*(?!\s)")
_OPENING = re.compile(r"^(?:([#>+=-])|(\d+)([.)])(?=\s|$))")


def plain(text: str) -> str:
    """Return a text as one line that Markdown shows as it is; addresses are left to become links."""
    parts = _URL.split(" ".join(text.split()))
    escaped = "".join(part if i % 2 else _MARKUP.sub(r"\\\g<0>", part) for i, part in enumerate(parts))
    return _OPENING.sub(lambda mark: rf"{mark[2] or ''}\{mark[1] or mark[3]}", escaped)


def escaped(value: Any) -> Any:
    """Return a value in which every text, however deep in lists and mappings, is as `plain` returns it."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {escaped(key): escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [escaped(item) for item in value]
    return value
