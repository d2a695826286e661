"""What a zip file, a folder of them or an unpacked folder holds; nothing is unpacked to disk."""

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
    """A file in a zip file, or one that lies in a folder.

    Parameters
    ----------
    file : Path
        On disk: the zip file, or the file itself.
    name : str
        Its path, from the name of the zip file or folder on.
    packed : str or None
        What it is called in the zip file.
    """

    file: Path
    name: str
    packed: str | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.packed!r}" if self.packed is not None else str(self.file)

    def read(self) -> bytes:
        """Give its bytes.

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
            raise FormatError(f"{self}: cannot be read, {error}; fetch it again") from error
        if len(data) > MOST_BYTES:
            raise FormatError(f"{self}: is larger than the {MOST_BYTES:,} bytes that a run may have; leave it out")
        return data


def members(source: Path) -> list[Member]:
    """Give all files of a source, those in its zip files too.

    Raises
    ------
    FormatError
        If there is no such source, or a zip file is damaged or has a member that would leave the folder it is unpacked
        in, or is larger than any file of the published sets.
    """
    if source.is_dir():
        files = sorted(file for file in source.rglob("*") if file.is_file())
        root = source.resolve()
        found = [Member(file, f"{root.name}/{file.relative_to(source).as_posix()}") for file in files]
        zipped = [member for file in files if file.suffix == ".zip" for member in _packed(file)]
        return [member for member in found if member.file.suffix != ".zip"] + zipped
    if source.is_file():
        return list(_packed(source))
    raise FormatError(f"{source}: no such file or folder; give a zip file, a folder of them, or an unpacked folder")


def _packed(file: Path) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise FormatError(f"{file}: cannot be read as a zip file, {error}; fetch it again") from error
    for part in parts:
        fault = _fault(part)
        if fault is not None:
            raise FormatError(f"{file}: {part.filename!r} {fault}; this is none of the published files, do not use it")
        if not part.is_dir():
            yield Member(file, f"{file.stem}/{part.filename}", part.filename)


def _fault(part: zipfile.ZipInfo) -> str | None:
    """Say what is wrong with a member, if anything is."""
    path = PurePosixPath(part.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
        return "would leave the folder it is unpacked in"
    if stat.S_ISLNK(part.external_attr >> 16):
        return "is a link"
    if part.file_size > MOST_BYTES:
        return f"unpacks to {part.file_size:,} bytes, more than the {MOST_BYTES:,} that a run may have"
    return None
