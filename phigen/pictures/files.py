"""Files of pictures: whole or not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phigen.atomic import written_whole
from phigen.errors import StoreError


def refuse_suffix(path: Path, *known: str) -> None:
    """Refuse a picture whose name does not end in one of the known suffixes.

    Raises
    ------
    StoreError
        If its suffix is another.
    """
    if path.suffix not in known:
        raise StoreError(f"{path}: must end in {' or '.join(known)}, got {path.suffix or 'no suffix'}; rename it")


@contextmanager
def drawn(path: Path) -> Iterator[Path]:
    """Yield the path of a draft that becomes the picture at the end, over an earlier one.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    try:
        with written_whole(path, replace=True) as draft:
            yield draft
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written, {error.strerror or error}; choose another place with --out"
        ) from error
