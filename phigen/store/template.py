"""The template of a store: arrays, coordinates and attributes before anything is simulated."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from phigen.store import manifest
from phigen.symmetry.fields import Field

if TYPE_CHECKING:
    import xarray as xr

CHUNKS_AT_ONCE = 100
"""How many chunks of a shard zarr encodes or decodes together; one by one, its default, costs up to a quarter more."""

FRAMES_PER_CHUNK = 10
"""Inner chunks of 10 frames: the published windows; one is read in about 2 ms (docs/numbers.md)."""


def lay(path: Path, index: xr.Dataset, variables: Mapping[str, Field]) -> None:
    """Write the template beside its place and move it there, so that it is whole or not there.

    Over a store that is to be continued or mended it is laid again, for its own files may be what is damaged.

    Parameters
    ----------
    path : Path
        Of the store.
    index : Dataset
        Coordinates and attributes; its dims give the sizes of the arrays.
    variables : mapping of str to Field
        Those that there are arrays for.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(parents=True, exist_ok=True)
        with quiet():
            index.to_zarr(draft, zarr_format=3, consolidated=False)
            group = zarr.open_group(draft, mode="r+", use_consolidated=False)
            for name, variable in variables.items():
                _create_array(group, name, variable, sizes={str(dim): size for dim, size in index.sizes.items()})
        (draft / manifest.PARTS).mkdir()
        if path.exists() and any(path.iterdir()):
            manifest.scatter(manifest.load(path))
            _settle(draft, path)
        else:
            draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _settle(draft: Path, path: Path) -> None:
    """Move each file of the draft to its place in the store, whole, unless it is there already."""
    for file in sorted(file for file in draft.rglob("*") if file.is_file()):
        place = path / file.relative_to(draft)
        if not place.is_file() or place.read_bytes() != file.read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)


def _create_array(group: zarr.Group, name: str, variable: Field, *, sizes: Mapping[str, int]) -> None:
    frames = sizes["time"]
    shape = tuple(sizes[dim] for dim in variable.dims)
    per_chunk = min(FRAMES_PER_CHUNK, frames)
    whole = (1, -(-frames // per_chunk) * per_chunk, *shape[1:])
    windowed = "y" in variable.dims or "y_face" in variable.dims
    attributes = {"units": variable.units, "long_name": variable.long_name, "comment": variable.comment}
    group.create_array(
        name,
        shape=(sizes["run"], *shape),
        dtype=variable.dtype,
        chunks=(1, per_chunk, *shape[1:]) if windowed else (1, *shape),
        shards=whole if windowed else None,
        compressors=[
            BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=np.dtype(variable.dtype).itemsize),
            Crc32cCodec(),
        ],
        fill_value=float("nan"),
        dimension_names=("run", *variable.dims),
        attributes={key: text for key, text in attributes.items() if text},
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Pass over zarr's notes: text and consolidated metadata are not in its v3 standard yet, the list is not zarr."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=f".*(specification|Consolidated metadata|Object at {manifest.PARTS}).*"
        )
        yield
