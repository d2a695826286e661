"""Import of published data: datasets of phigen's for everything that needs no recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import FormatError
from phigen.formats.targets import refuse_taken, written
from phigen.formats.wang2022 import tensors
from phigen.formats.wang2022.archives import Member, members
from phigen.formats.wang2022.metadata import Runs, index_of
from phigen.formats.wang2022.orientation import Orientation, faces_of_file, orientations
from phigen.formats.wang2022.published_sets import BOX, CELLS, Published, sets_in
from phigen.hub.reference import SCHEME
from phigen.hub.repository import fetch_zipped
from phigen.progress import Progress, silent
from phigen.simulation.staggered import centred, completed, divergence
from phigen.store import measured, parts, template, writing
from phigen.store.statistics import moments_of, no_moments
from phigen.symmetry.fields import FACES, FIELDS
from phigen.symmetry.point_groups import ELEMENTS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

_OF_THE_FRAME = {name: replace(FIELDS[name], comment="of the frame itself") for name in ("divergence", "courant")}
_VARIABLES = {name: FIELDS[name] for name in ("velocity", *FACES)} | _OF_THE_FRAME


def import_dataset(
    source: str | Path,
    path: str | Path | None = None,
    *,
    format: str = "wang2022",
    progress: Progress = silent,
) -> list[Path]:
    """Convert published datasets to datasets of phigen's.

    Parameters
    ----------
    source : str or Path
        A zip file, a folder of them, or an unpacked folder of the published sets; or an address on the Hub,
        ``hf://datasets/dl2-g32/smokeplume``.
    path : str or Path, optional
        The store to write; ``datasets/NAME.zarr`` for each set in the source if left out.
    format : str
        ``wang2022``, torch tensors in the layout of the published sets.
    progress : callable, optional
        Called with ``importing``, the number of runs written, and the number of runs: first now, then after each.

    Returns
    -------
    list of Path
        The stores that were written, each whole or not there.

    Raises
    ------
    FormatError
        If the source holds none of the sets, or several and a path is given; if one of its files is not a plain tensor
        of the right shape; or if the path exists already or cannot be written.
    HubError
        If the Hub does not have the source, or cannot be reached.
    """
    if format != "wang2022":
        raise FormatError(f"format: cannot be imported, got {format!r}; choose wang2022")
    tensors.need_torch()
    sets = sets_in(members(_local(str(source))))
    if not sets:
        raise FormatError(
            f"{source}: holds none of the published sets; name a source with files such as E_0/raw_data_0.pt"
        )
    if path is not None and len(sets) > 1:
        names = ", ".join(published.name for published in sets)
        raise FormatError(f"{source}: holds {len(sets)} sets, {names}; leave out --out, or name the files of one set")
    targets = [Path(path or Path("datasets") / f"{published.name}.zarr").absolute() for published in sets]
    for target in targets:
        refuse_taken(target)
    total, done = sum(map(len, sets.values())), 0
    progress("importing", 0, total)
    for target, (published, files) in zip(targets, sets.items(), strict=True):
        with written(target) as draft:
            for _ in _write(draft, published, files):
                done += 1
                progress("importing", done, total)
    return targets


def _local(source: str) -> Path:
    """Return the path of a source on this machine; a source on the Hub is downloaded first."""
    return fetch_zipped(source) if source.startswith(SCHEME) else Path(source)


def _write(path: Path, published: Published, files: Mapping[tuple[int, ...], Member]) -> Iterator[None]:
    """Write a set as a store, run by run."""
    frames = len(_values(next(iter(files.values()))))
    runs = _runs(published, files, frames)
    index = index_of(published, runs, frames)
    template.lay(path, index, _VARIABLES, runs_per_shard=1, errors=False)
    claim = parts.claim(path)
    for number, (file, original, orientation) in enumerate(runs.values()):
        values = _values(file, frames)
        faces = faces_of_file(values, orientation) if published.reference_frame == "orbit" else completed(values)
        fields = {str(name): field.values[None] for name, field in _fields(faces, published.dt_velocity).items()}
        rows = {name: fields.pop(name) for name in _OF_THE_FRAME}
        training = original.split == "train"
        of_run = {name: field[0] for name, field in fields.items()}
        rows[measured.MOMENTS] = (moments_of(of_run) if training else no_moments(of_run))[None]
        writing.write_shard(path, number, fields, rows, claim=claim)
        yield
    writing.seal(path)


def _runs(published: Published, files: Mapping[tuple[int, ...], Member], frames: int) -> Runs:
    """Return the published parameters of each run; for runs that were rotated as arrays, as their files show."""
    runs = {key: (file, published.run(*key), Orientation("identity", False)) for key, file in files.items()}
    if published.reference_frame == "orbit":
        for level in dict.fromkeys(level for level, _ in runs):
            keys = [(level, quarters) for quarters in range(4)]
            upward = runs[level, 0][1].inflow
            of_level = orientations([_values(files[key], frames) for key in keys])
            for key, orientation in zip(keys, of_level, strict=True):
                g = ELEMENTS[orientation.element]
                original = replace(runs[key][1], element=g, inflow=g.on_point(upward, BOX))
                runs[key] = (files[key], original, orientation)
    return runs


def _values(file: Member, frames: int | None = None) -> NDArray[np.float32]:
    """Load a file, (time, component, y, x), and check that it has as many frames as the others of its set."""
    values = tensors.load(file.read(), str(file))
    if values.ndim != 4 or values.shape[1:] != (2, CELLS, CELLS) or not len(values):
        raise FormatError(
            f"{file}: a run must be (frames, 2, {CELLS}, {CELLS}), got {values.shape}; remove it from the source"
        )
    if frames is not None and len(values) != frames:
        raise FormatError(
            f"{file}: must have as many frames as the first file of its set, {frames}, got {len(values)}; download it "
            "again"
        )
    return values


def _fields(faces: xr.Dataset, dt_velocity: float) -> xr.Dataset:
    """Return all variables that are stored of a run."""
    fastest = np.max([np.abs(faces[name].values).max(axis=(1, 2)) for name in FACES], axis=0)
    largest = np.abs(divergence(faces)).max(axis=(1, 2))
    return faces.assign(
        velocity=(("time", "component", "y", "x"), centred(faces)),
        divergence=("time", largest.astype(np.float32)),
        courant=("time", (fastest * max(1.0, dt_velocity)).astype(np.float32)),
    )
