"""What is written is there whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from phigen.errors import FormatError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a place beside the target to write a file or folder to, which is moved there at the end.

    Whatever interrupts the writing, nothing is left.

    Raises
    ------
    FormatError
        If the target is there already, or cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        refuse_taken(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(draft)
        yield draft
        refuse_taken(path)
        draft.rename(path)
    except OSError as error:
        raise FormatError(
            f"{path}: cannot be written, {error.strerror or error}; choose another place with --out"
        ) from error
    finally:
        with suppress(OSError):
            _remove(draft)


def refuse_taken(path: Path) -> None:
    """Refuse a target that is there already."""
    if os.path.lexists(path):
        raise FormatError(f"{path}: is there already; delete it, or choose another place with --out")


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft)
    else:
        draft.unlink(missing_ok=True)
