"""Files and folders that are there whole or not at all.

Each is drafted beside its target and moved into place in one step.  Every draft has a name of its own, so that two
writers of one target do not mix their bytes.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

_DRAFT = re.compile(r"\.(?P<stem>.+)\.[0-9a-f]{32}\.draft(?P<suffix>(\.[^.]+)?)")


@contextmanager
def written_whole(path: Path, *, replace: bool) -> Iterator[Path]:
    """Yield the path of a draft, and move what is written there to its target when the block ends without an error.

    If the block fails, nothing is left.  What a killed process has left is removed before the next draft is made.

    Parameters
    ----------
    path : Path
        The target, a file or a folder; folders above it are made.  The draft has the same suffix.
    replace : bool
        Whether a file that is there already is replaced.

    Raises
    ------
    FileExistsError
        If the target is there and must not be replaced, or is a folder that holds something.
    OSError
        If the target cannot be written.
    """
    if not replace:
        _refuse_taken(path)
    with drafted(path) as draft:
        yield draft
        if draft.is_file():
            _flush(draft)
        if not replace:
            _refuse_taken(path)
        draft.replace(path)


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Yield the path of a draft beside a target, and remove at the end what is still there.

    Drafts of the same target that killed processes have left are removed before.  So is the draft of another writer
    that is still at work: it fails, and this one goes on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in os.listdir(path.parent):
        if (found := _DRAFT.fullmatch(name)) and found["stem"] + found["suffix"] == path.name:
            _remove(path.with_name(name))
    draft = path.with_name(f".{path.stem}.{uuid4().hex}.draft{path.suffix}")
    try:
        yield draft
    finally:
        _remove(draft)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON with sorted keys, and replace the file if it is there.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with written_whole(path, replace=True) as draft:
        draft.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="")


def remove_drafts(folder: Path) -> None:
    """Remove every draft that killed processes have left in a folder or below it."""
    for left in sorted(folder.rglob(".*")):
        if _DRAFT.fullmatch(left.name):
            _remove(left)


def _flush(file: Path) -> None:
    """Wait until a file's bytes are on disk, so that a power cut leaves no name without them."""
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def _refuse_taken(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "it is there already", str(path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
