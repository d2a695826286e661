"""What is in a folder, and what a killed process leaves there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from phigen import atomic


def files_of(store: Path) -> dict[str, bytes]:
    """Return every file of a store by its path."""
    return {file.relative_to(store).as_posix(): file.read_bytes() for file in store.rglob("*") if file.is_file()}


def in_store(published: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files of the store among those of a published version."""
    return {
        name.removeprefix("store.zarr/"): data for name, data in published.items() if name.startswith("store.zarr/")
    }


def abandoned(path: Path) -> Path:
    """Make the draft of a folder that a killed process would have left, half filled, and return its path."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    own = atomic._draft_of(path)
    draft = own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
    draft.mkdir()
    (draft / "half").write_text("")
    return draft
