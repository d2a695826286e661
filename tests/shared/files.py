"""What lies in a folder."""

from __future__ import annotations

from pathlib import Path


def files_of(store: Path) -> dict[str, bytes]:
    """Give every file of a store by its path."""
    return {file.relative_to(store).as_posix(): file.read_bytes() for file in store.rglob("*") if file.is_file()}
