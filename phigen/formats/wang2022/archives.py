"""The files in a zip file, in a folder of zip files, or in an unpacked folder; nothing is unpacked to disk."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from phigen.errors import FormatError
from phigen.formats.wang2022.tensors import MOST_BYTES


@dataclass(frozen=True)
class Member:
    """A file in a zip file or in a folder.

    Parameters
    ----------
    file : Path
        The zip file, or the file itself.
    name : str
        Its path, starting with the name of the zip file or folder.
    packed : str or None
        Its name in the zip file; None if it is not in one.
    """

    file: Path
    name: str
    packed: str | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.packed!r}" if self.packed is not None else str(self.file)

    def read(self) -> bytes:
        """Read its bytes.

        Raises
        ------
        FormatError
            If it is damaged, or larger than any file of the published sets.
        """
        try:
            if self.packed is None:
                with self.file.open("rb") as plain:
                    data = plain.read(MOST_BYTES + 1)
            else:
                with zipfile.ZipFile(self.file) as archive, archive.open(self.packed) as packed:
                    data = packed.read(MOST_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise FormatError(f"{self}: cannot be read, {error}; download it again") from error
        if len(data) > MOST_BYTES:
            raise FormatError(
                f"{self}: is too large for a run, got more than {MOST_BYTES:,} bytes; remove it from the source"
            )
        return data


def members(source: Path) -> list[Member]:
    """Return all files of a source, including those in its zip files.

    Raises
    ------
    FormatError
        If there is no such source, or a zip file is damaged or has a member that is a link, would be unpacked outside
        of the target folder, or is larger than any file of the published sets.
    """
    if source.is_dir():
        files = sorted(file for file in source.rglob("*") if file.is_file())
        root = source.resolve()
        plain = [Member(f, f"{root.name}/{f.relative_to(source).as_posix()}") for f in files if f.suffix != ".zip"]
        return plain + [member for file in files if file.suffix == ".zip" for member in _packed(file)]
    if source.is_file():
        return list(_packed(source))
    raise FormatError(f"{source}: no such file or folder; name a zip file, a folder of them, or an unpacked folder")


def _packed(file: Path) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise FormatError(f"{file}: cannot be read as a zip file, {error}; download it again") from error
    for part in parts:
        problem = _problem(part)
        if problem is not None:
            raise FormatError(
                f"{file}: {part.filename!r} {problem}; this is not one of the published files, do not use it"
            )
        if not part.is_dir():
            yield Member(file, f"{file.stem}/{part.filename}", part.filename)


def _problem(part: zipfile.ZipInfo) -> str | None:
    """Return why a member cannot be trusted, or None."""
    path = PurePosixPath(part.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
        return "would be unpacked outside of the target folder"
    if stat.S_ISLNK(part.external_attr >> 16):
        return "is a link"
    if part.file_size > MOST_BYTES:
        return f"is too large for a run, {part.file_size:,} bytes unpacked and at most {MOST_BYTES:,} allowed"
    return None
