"""How far something is that takes long: the one type of every progress callback."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts of it are done, and how many there are: first now, then after each."""


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""
