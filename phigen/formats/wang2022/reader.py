"""Published data as datasets of phigen's, on which everything works but what needs a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.errors import FormatError
from phigen.formats.drafts import refuse_taken, whole
from phigen.formats.wang2022 import tensors
from phigen.formats.wang2022.archives import Member, members
from phigen.formats.wang2022.orientation import Turned, faces_of_file, turns_of
from phigen.formats.wang2022.published_sets import CELLS, RADIUS, RATE, Original, Published, sets_in
from phigen.hub.reference import SCHEME
from phigen.hub.repository import fetch_zipped
from phigen.simulation.staggered import centred, completed, divergence
from phigen.store import manifest, template, writing
from phigen.store.metadata import CONVENTIONS, described, group_columns
from phigen.symmetry.element import Box
from phigen.symmetry.fields import FACES, FIELDS, coordinates
from phigen.symmetry.point_groups import ELEMENTS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

_OF_THE_FRAME = {name: replace(FIELDS[name], comment="of the frame itself") for name in ("divergence", "courant")}
_VARIABLES = {name: FIELDS[name] for name in ("velocity", *FACES)} | _OF_THE_FRAME
_COMMENT = (
    "Imported: the files hold the lower 64 of 65 faces, the walls are put back at rest, and velocity is the mean of "
    "faces.  Arrows of files that point against their plume, data_1 and data_3 as published, are turned round.  "
    "Strengths, inflows, time steps and the numbers of frames are those that were published; the files do not say them."
)
_REFERENCE = (
    "Wang, Walters and Yu, Approximately Equivariant Networks for Imperfectly Symmetric Dynamics, ICML 2022, "
    "arXiv:2201.11969"
)
_PACKAGES = ("phigen", "torch", "numpy", "xarray", "zarr", "numcodecs")

Runs = Mapping[tuple[int, ...], tuple[Member, Original, Turned]]
"""By the numbers in a file's name, in the order of the dataset."""


def import_dataset(
    source: str | Path,
    path: str | Path | None = None,
    *,
    format: str = "wang2022",
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Make datasets of phigen's from published ones.

    Parameters
    ----------
    source : str or Path
        A zip file, a folder of them, or an unpacked folder of the published sets; or a place on the Hub,
        ``hf://datasets/dl2-g32/smokeplume``.
    path : str or Path, optional
        Of the store; ``datasets/NAME.zarr`` for each set that the source holds if left out.
    format : str
        ``wang2022``, torch tensors in the layout of the published sets.
    progress : callable, optional
        Called with ``importing``, how many runs are written, and how many there are; now and after each.

    Returns
    -------
    list of Path
        The stores that were written, each whole or not there.

    Raises
    ------
    FormatError
        If the source holds none of the sets, or several and a path is given; if a file of it is not a plain tensor of
        that shape; or if the place is taken or cannot be written.
    HubError
        If the Hub does not have the source, or cannot be reached.
    """
    if format != "wang2022":
        raise FormatError(f"{format!r} is no format that is imported; choose wang2022")
    tensors.need_torch()
    found = sets_in(members(_local(str(source))))
    if not found:
        raise FormatError(f"{source}: holds none of the published sets; they have files such as E_0/raw_data_0.pt")
    if path is not None and len(found) > 1:
        names = ", ".join(published.name for published in found)
        raise FormatError(f"{source}: holds {len(found)} sets, {names}; leave out --out, or give the files of one")
    places = [Path(path or Path("datasets") / f"{published.name}.zarr").absolute() for published in found]
    for place in places:
        refuse_taken(place)
    total, done = sum(map(len, found.values())), 0
    tell = progress or (lambda what, done, total: None)
    tell("importing", 0, total)
    for place, (published, files) in zip(places, found.items(), strict=True):
        with whole(place) as draft:
            for _ in _write(draft, published, files):
                done += 1
                tell("importing", done, total)
    return places


def _local(source: str) -> Path:
    """Give where a source is on this machine; what lies on the Hub is downloaded first."""
    return fetch_zipped(source) if source.startswith(SCHEME) else Path(source)


def _write(path: Path, published: Published, files: Mapping[tuple[int, ...], Member]) -> Iterator[None]:
    """Write a set as a store, run by run."""
    frames = len(_values(next(iter(files.values()))))
    runs = _runs(published, files, frames)
    index = _index(published, runs, frames)
    template.lay(path, index, _VARIABLES)
    for number, (file, original, turned) in enumerate(runs.values()):
        values = _values(file, frames)
        faces = faces_of_file(values, turned) if published.frame == "orbit" else completed(values)
        told = {"level": original.level, "orbit": original.orbit, "element": original.element.name}
        told |= {"strength": original.strength, "split": original.split, "file": file.name}
        fields = _fields(faces, published.dt_velocity).assign_coords(time=index["time"])
        writing.write(path, number, fields, parameters=told, training=slice(None))
        yield
    writing.seal(path, {})


def _runs(published: Published, files: Mapping[tuple[int, ...], Member], frames: int) -> Runs:
    """Give what is known of each run; of those that were turned as arrays, what the files themselves tell."""
    runs = {key: (file, published.run(*key), Turned("identity", False)) for key, file in files.items()}
    if published.frame == "orbit":
        for level in dict.fromkeys(level for level, _ in runs):
            keys = [(level, turns) for turns in range(4)]
            found = turns_of([_values(files[key], frames) for key in keys])
            for key, turned in zip(keys, found, strict=True):
                g = ELEMENTS[turned.element]
                upward = runs[level, 0][1].inflow
                told = replace(runs[key][1], element=g, inflow=g.on_point(upward, Box((CELLS, CELLS))))
                runs[key] = (files[key], told, turned)
    return runs


def _values(file: Member, frames: int | None = None) -> NDArray[np.float32]:
    """Read a file, (time, component, y, x), which shall have as many frames as the others of its set."""
    values = tensors.load(file.read(), str(file))
    if values.ndim != 4 or values.shape[1:] != (2, CELLS, CELLS) or not len(values):
        raise FormatError(f"{file}: is no run of (frames, 2, {CELLS}, {CELLS}), got {values.shape}; leave it out")
    if frames is not None and len(values) != frames:
        raise FormatError(f"{file}: has {len(values)} frames, the first file of its set {frames}; fetch it again")
    return values


def _fields(faces: xr.Dataset, dt_velocity: float) -> xr.Dataset:
    """Give all that is stored of a run."""
    fastest = np.max([np.abs(faces[name].values).max(axis=(1, 2)) for name in FACES], axis=0)
    largest = np.abs(divergence(faces)).max(axis=(1, 2))
    return faces.assign(
        velocity=(("time", "component", "y", "x"), centred(faces)),
        divergence=("time", largest.astype(np.float32)),
        courant=("time", (fastest * max(1.0, dt_velocity)).astype(np.float32)),
    )


def _index(published: Published, runs: Runs, frames: int) -> xr.Dataset:
    """Give the coordinates and attributes of a set."""
    import xarray as xr

    originals = [original for _, original, _ in runs.values()]
    coords: dict[str, Any] = coordinates((CELLS, CELLS), range(published.first_frame, published.first_frame + frames))
    columns = {
        "level": [original.level for original in originals],
        "breaking": [original.level for original in originals],
        "orbit": [original.orbit for original in originals],
        "strength": [original.strength for original in originals],
        "inflow_x": [original.inflow[0] for original in originals],
        "inflow_y": [original.inflow[1] for original in originals],
        "inflow_radius": [RADIUS] * len(originals),
        "inflow_rate": [RATE] * len(originals),
        **group_columns([original.element for original in originals]),
    }
    words = {
        "element": [original.element.name for original in originals],
        "split": [original.split for original in originals],
        "file": [file.name for file, _, _ in runs.values()],
    }
    coords |= {name: ("run", np.array(values)) for name, values in columns.items()}
    coords |= {name: ("run", np.array(values, dtype=object)) for name, values in words.items()}
    index = described(xr.Dataset(coords=coords, attrs=_attributes(published, runs)))
    index["file"].attrs["long_name"] = "file that the run was imported from"
    return index


def _attributes(published: Published, runs: Runs) -> dict[str, Any]:
    sources = {file.file: file.name if file.packed is None else file.file.name for file, _, _ in runs.values()}
    elements = dict.fromkeys(original.element.name for _, original, _ in runs.values())
    scaling = {"scaling_method": "resampled", "time_exponent": 0.0} if published.group == "scaling" else {}
    return {
        "Conventions": "CF-1.11",
        "title": f"{published.name} 1.0.0",
        "name": published.name,
        "version": "1.0.0",
        "description": published.description,
        "license": "unknown",
        "references": [_REFERENCE],
        "runs": len(runs),
        "group": published.group,
        "elements": list(elements),
        "reference_frame": published.frame,
        "cells": [CELLS, CELLS],
        "boundaries": ["closed"] * 4,
        "dt_smoke": 1.0,
        "dt_velocity": published.dt_velocity,
        "source": [{"file": name, "sha256": manifest.fingerprint(file)[1]} for file, name in sources.items()],
        "versions": {package: version(package) for package in _PACKAGES},
        **scaling,
        "comment": f"{CONVENTIONS}  {_COMMENT}",
    }
