"""Files and folders that are written: new ones, whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phigen.atomic import written_whole
from phigen.errors import FormatError


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Yield the path of a draft that becomes the target at the end.

    Raises
    ------
    FormatError
        If the target exists already or cannot be written.
    """
    try:
        refuse_taken(path)
        with written_whole(path, replace=False) as draft:
            yield draft
    except OSError as error:
        raise FormatError(
            f"{path}: cannot be written, {error.strerror or error}; choose another place with --out"
        ) from error


def refuse_taken(path: Path) -> None:
    """Refuse a target that exists already."""
    if os.path.lexists(path):
        raise FormatError(f"{path}: exists already; delete it, or choose another place with --out")
