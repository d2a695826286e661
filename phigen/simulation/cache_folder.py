"""The folder of compiled programs: used only if nobody but its user can have written there, bounded, shown and cleared.

It holds traced programs (`*.program`, kept_programs.py) and, in `xla`, the code that jax compiles of them.  Both are
run, so they are used only from a folder of mode 0700 that the user owns.  Beside them is how fast this machine is
(`*.rates`, phigen.building.rates).
"""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from phigen.atomic import written_whole
from phigen.errors import PhigenError

MOST_BYTES = 10**9
"""Bytes that the folder may hold; what was used longest ago is removed first."""

ROOM = 2**20
"""Bytes that must be free, about what one program takes."""

RATES = ".rates"
"""The suffix of files that hold how fast a machine is."""

_KINDS = {".program": "traced programs", RATES: "speed of this machine"}

_TAG = "CACHEDIR.TAG"
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n"
"""What marks a folder as a cache for any program (https://bford.info/cachedir): phigen's is told from other folders."""


class CacheWarning(UserWarning):
    """Compiled programs cannot be kept; the same values are computed, and each process starts more slowly."""


class Kept(NamedTuple):
    """A file of the folder."""

    path: Path
    bytes: int
    used: float
    """When it was last used, in seconds since 1970, to a day."""

    @property
    def kind(self) -> str:
        """What it is: a traced program, compiled code, or how fast this machine is."""
        return _KINDS.get(self.path.suffix, "compiled code")


def location() -> Path:
    """Return where the folder is, whether it exists or not."""
    from platformdirs import user_cache_path

    return user_cache_path("phigen") / "programs"


def compiled_code(folder: Path) -> Path:
    """Return the folder in which jax keeps compiled code."""
    return folder / "xla"


def usable() -> Path | None:
    """Return the folder, made if it is not there, or None if programs are not kept: a warning says why, once."""
    return _checked(location())


@lru_cache(maxsize=8)
def _checked(folder: Path) -> Path | None:
    found = _error_of(folder)
    if found is None:
        return folder
    warn_of(folder, *found)
    return None


def warn_of(folder: Path, error: str, remedy: str) -> None:
    """Warn that programs are not kept in a folder."""
    text = f"{folder}: {error}, so compiled programs are not kept and builds start later; {remedy}"
    warnings.warn(text, CacheWarning, stacklevel=2)


def _error_of(folder: Path) -> tuple[str, str] | None:
    """Return why a folder is not used and what to do, or None after it was made, if need be, and tried."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            return "is not a folder", "move it away"
        if (error := _distrust(found)) is not None:
            return error
        holds = [name for name in os.listdir(folder) if not name.startswith(".")]
        if not _is_own(folder):  # looked for last: another process may be making the folder
            if holds:
                return "holds files of something else", "move them away"
            with written_whole(folder / _TAG, replace=True) as draft:
                draft.write_text(_SIGNATURE, encoding="ascii")
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
    except OSError as error:
        return f"cannot be written ({error.strerror})", "make room, or repair its permissions"
    return None


def _distrust(found: os.stat_result) -> tuple[str, str] | None:
    """Return why somebody else may have written in a folder, and what to do."""
    if not hasattr(os, "getuid"):
        return None
    if found.st_uid != os.getuid():
        return f"belongs to another user, got uid {found.st_uid} for {os.getuid()}", "set XDG_CACHE_HOME to your own"
    mode = stat.S_IMODE(found.st_mode)
    return (f"is open to other users, got mode {mode:o} for 700", "remove it") if mode & 0o077 else None


def _is_own(folder: Path) -> bool:
    """Return whether phigen made a folder."""
    try:
        return (folder / _TAG).read_text(encoding="ascii").startswith(_SIGNATURE)
    except (OSError, UnicodeDecodeError):
        return False


def contents(folder: Path) -> list[Kept]:
    """Return the programs and the compiled code in a folder, what was used longest ago first; none if it is absent."""
    return sorted(_files(folder), key=lambda kept: kept.used)


def _files(folder: Path) -> Iterator[Kept]:
    ours = (path for suffix in _KINDS for path in folder.glob(f"*{suffix}"))
    for path in (*ours, *compiled_code(folder).glob("*")):
        with suppress(FileNotFoundError):  # another process has removed it
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield Kept(path, found.st_size, max(found.st_atime, found.st_mtime))


def remove_compiled_code(folder: Path) -> None:
    """Remove the compiled code in a folder, which jax makes anew."""
    for path in compiled_code(folder).glob("*"):
        path.unlink(missing_ok=True)


def bound(folder: Path) -> None:
    """Remove what was used longest ago while the folder holds more than MOST_BYTES."""
    kept = contents(folder)
    excess = sum(file.bytes for file in kept) - MOST_BYTES
    for file in kept:
        if excess <= 0:
            return
        file.path.unlink(missing_ok=True)
        excess -= file.bytes


def clear(folder: Path) -> list[Kept]:
    """Remove the programs and the compiled code in a folder, and return what they were.

    Processes that simulate now go on, and keep their next programs there.

    Raises
    ------
    PhigenError
        If phigen has not made the folder, or a file cannot be removed.
    """
    kept = contents(folder)
    if kept and not _is_own(folder):
        raise PhigenError(f"{folder}: was not made by phigen, it has no {_TAG}; nothing is removed")
    try:
        for file in kept:
            file.path.unlink(missing_ok=True)
    except OSError as error:
        raise PhigenError(f"{folder}: cannot be cleared, {error.strerror}; remove it yourself") from error
    return kept
