"""What is written of each shard while a store is built: its files, and what was measured of its runs.

A part is one small file, written when the shard's data are on disk.  A build that continues, or ends, reads the parts;
a finished store has none, because all that they hold is in its list and its arrays.

Beside the parts is the claim of the build that writes them.  A task that outlives its build, as on a scheduler that was
running before, finds another claim or none, and writes nothing.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from phigen.atomic import replaced
from phigen.errors import StoreError
from phigen.store.fingerprints import Files

FOLDER = "manifest"

Rows = Mapping[str, NDArray[np.floating]]
"""What was measured of the runs of a shard, by the name of the array that holds it: the first dim counts runs."""

_FILES = "files"


_CLAIM = "claim"


def claim(store: Path) -> str:
    """Claim a store for a build that begins, and return what its tasks know the claim by."""
    token = uuid4().hex
    with replaced(store / FOLDER / _CLAIM) as draft:
        draft.write_text(token)
    return token


def refuse_without(claimed: str, store: Path) -> None:
    """Check that a store is still claimed by the build that a task belongs to.

    Raises
    ------
    StoreError
        Otherwise.
    """
    file = store / FOLDER / _CLAIM
    if not file.is_file() or file.read_text() != claimed:
        raise StoreError(f"{store}: the build that this task belongs to has ended; nothing was written")


def add(store: Path, shard: int, files: Files, rows: Rows) -> None:
    """Write the part of a shard whose files are on disk."""
    with replaced(_path(store, shard)) as draft:
        np.savez(draft, allow_pickle=False, **{_FILES: np.array(json.dumps(files))}, **rows)


def listed(store: Path) -> list[Path]:
    """Return the parts of a store, in the order of their shards."""
    return sorted((store / FOLDER).glob("[0-9]*.npz"))


def number_of(part: Path) -> int:
    """Return the place of a part's shard in the dataset."""
    return int(part.stem)


def files_of(part: Path) -> Files:
    """Load the fingerprints of a shard's files.

    Raises
    ------
    StoreError
        If the part is damaged.
    """
    with blamed_on(part), part.open("rb") as handle, np.load(handle, allow_pickle=False) as members:
        return {file: (size, sha256) for file, (size, sha256) in json.loads(members[_FILES].item()).items()}


def rows(store: Path, shard: int) -> Rows:
    """Load what was measured of a shard's runs.

    Raises
    ------
    StoreError
        If the part is damaged.
    """
    part = _path(store, shard)
    with blamed_on(part), part.open("rb") as handle, np.load(handle, allow_pickle=False) as members:
        return {name: members[name] for name in members.files if name != _FILES}


def _path(store: Path, shard: int) -> Path:
    return store / FOLDER / f"{shard:06d}.npz"


def remove(store: Path) -> None:
    """Remove all parts; a build that is killed between the end of its list and this leaves them."""
    shutil.rmtree(store / FOLDER, ignore_errors=True)


@contextmanager
def blamed_on(file: Path) -> Iterator[None]:
    """Turn whatever is wrong in a file of the manifest into an error that names the file.

    Raises
    ------
    StoreError
        If reading it fails in the block.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile, zlib.error) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise StoreError(f"{file}: is damaged, {what}; delete it and run the same build again") from error
