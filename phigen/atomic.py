"""Files and folders that are there whole or not at all.

Each is drafted beside its target and moved into place in one step.  Every draft has a name of its own, so that two
writers of one target do not mix their bytes.  The name holds the machine and the process that writes it: a draft whose
process has ended was left by a kill and is removed, that of a living writer is left alone.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

_DRAFT = re.compile(
    r"\.(?P<stem>.+)\.(?P<machine>[0-9a-f]{8})-(?P<process>\d{1,9})-[0-9a-f]{32}\.draft(?P<suffix>(\.[^.]+)?)"
)


@contextmanager
def written_whole(path: Path, *, replace: bool) -> Iterator[Path]:
    """Yield the path of a draft, and move what is written there to its target when the block ends without an error.

    If the block fails, nothing is left.  Of two writers of one target, the one that ends last replaces the other's, or
    fails where nothing may be replaced.

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

    Drafts of the same target that killed processes have left are removed before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in os.listdir(path.parent):
        found = _DRAFT.fullmatch(name)
        if found and found["stem"] + found["suffix"] == path.name and _is_abandoned(found):
            _remove(path.with_name(name))
    with _removed_at_the_end(_draft_of(path)) as draft:
        yield draft


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield the path of a file's draft, and put what is written there in the file's place if the block succeeds.

    Drafts that killed processes have left are not looked for, because that reads the whole folder: a store's manifest
    has a file for each shard.  `remove_drafts` removes them.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _removed_at_the_end(_draft_of(path)) as draft:
        yield draft
        _flush(draft)
        draft.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON with sorted keys, and replace the file if it is there.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with replaced(path) as draft:
        draft.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="")


def remove_drafts(folder: Path) -> None:
    """Remove every draft in a folder or below it, whoever wrote it: nobody may be writing there."""
    for left in sorted(folder.rglob(".*")):
        if _DRAFT.fullmatch(left.name):
            _remove(left)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{_machine()}-{os.getpid()}-{uuid4().hex}.draft{path.suffix}")


def _is_abandoned(draft: re.Match[str]) -> bool:
    """Return whether the process that wrote a draft has ended; of another machine's processes nothing is known."""
    if draft["machine"] != _machine():
        return False
    try:
        os.kill(int(draft["process"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's
        return False
    return False


def _machine() -> str:
    return f"{crc32(platform.node().encode()):08x}"


@contextmanager
def _removed_at_the_end(draft: Path) -> Iterator[Path]:
    try:
        yield draft
    finally:
        _remove(draft)


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
