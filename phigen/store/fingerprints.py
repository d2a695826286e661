"""Sizes and checksums of files: how a changed bit is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

Fingerprint = tuple[int, str]
"""Size in bytes and sha256."""

Files = dict[str, Fingerprint]
"""Files by their paths in a store."""


def fingerprint(file: Path) -> Fingerprint:
    """Compute the size and sha256 of a file."""
    with file.open("rb") as handle:
        return file.stat().st_size, hashlib.file_digest(handle, "sha256").hexdigest()


def is_intact(file: Path, known: Fingerprint) -> bool:
    """Check whether a file is there with every bit right."""
    return size_of(file) == known[0] and fingerprint(file) == known


def are_intact(store: Path, files: Mapping[str, Fingerprint]) -> bool:
    """Check whether all files of a store are there with every bit right."""
    return all(is_intact(store / file, known) for file, known in files.items())


def size_of(file: Path) -> int | None:
    """Return the size of a file; None if it is not there."""
    return file.stat().st_size if file.is_file() else None
