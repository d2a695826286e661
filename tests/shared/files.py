"""What is in a folder."""

from __future__ import annotations

from pathlib import Path


def files_of(store: Path) -> dict[str, bytes]:
    """Return every file of a store by its path."""
    return {file.relative_to(store).as_posix(): file.read_bytes() for file in store.rglob("*") if file.is_file()}


def in_store(published: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files of the store among those of a published version."""
    return {
        name.removeprefix("store.zarr/"): data for name, data in published.items() if name.startswith("store.zarr/")
    }
