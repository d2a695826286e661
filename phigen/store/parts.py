"""What is written of each shard while a store is built: its files, and what was measured of its runs.

A part is one small file, written when the shard's data are on disk.  A build that continues, or ends, reads the parts;
a finished store has none, because all that they hold is in its list and its arrays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phigen.atomic import replaced
from phigen.store.fingerprints import Files

FOLDER = "manifest"

Rows = Mapping[str, NDArray[np.floating]]
"""What was measured of the runs of a shard, by the name of the array that holds it: the first dim counts runs."""

_FILES = "files"


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
    """Load the fingerprints of a shard's files."""
    with np.load(part, allow_pickle=False) as members:
        return {file: (size, sha256) for file, (size, sha256) in json.loads(members[_FILES].item()).items()}


def rows(store: Path, shard: int) -> Rows:
    """Load what was measured of a shard's runs."""
    with np.load(_path(store, shard), allow_pickle=False) as members:
        return {name: members[name] for name in members.files if name != _FILES}


def _path(store: Path, shard: int) -> Path:
    return store / FOLDER / f"{shard:06d}.npz"


def remove(store: Path) -> None:
    """Remove all parts; a build that is killed between the end of its list and this leaves them."""
    shutil.rmtree(store / FOLDER, ignore_errors=True)
