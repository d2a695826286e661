"""The template of a store: arrays, coordinates and attributes before anything is simulated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.atomic import drafted, written_whole
from phigen.store import measured, parts
from phigen.store.layout import LAYOUT
from phigen.store.measured import Array
from phigen.store.pipeline import quiet
from phigen.symmetry.fields import Field

if TYPE_CHECKING:
    import xarray as xr
    import zarr

FRAMES_PER_CHUNK = 10
"""Frames in an inner chunk: as many as the published windows have; a window is read in about 2 ms (docs/numbers.md)."""

SMALL = 64_000_000
"""Most bytes in a chunk of an array that is not a field; below it, the array is one chunk."""


def lay(
    path: Path,
    index: xr.Dataset,
    fields: Mapping[str, Field],
    *,
    runs_per_shard: int,
    errors: bool,
    over: bool = False,
) -> None:
    """Write the template of a store, whole or not at all.

    Parameters
    ----------
    path : Path
        Of the store; nothing or an empty folder, unless it is written over one.
    index : Dataset
        Coordinates and attributes; its dims give the sizes of the arrays.
    fields : mapping of str to Field
        Those that there are arrays for.
    runs_per_shard : int
        How many runs a shard of a field holds.
    errors : bool
        Whether the errors of each run will be measured.
    over : bool
        Whether a store is there that is continued or repaired: the files of its template may be what is damaged.
    """

    def write(draft: Path) -> None:
        _write(draft, index.assign_attrs(layout=LAYOUT, runs_per_shard=runs_per_shard), fields, errors=errors)

    if over:
        with drafted(path) as draft:
            write(draft)
            _settle(draft, path)
    else:
        with written_whole(path, replace=True) as draft:
            write(draft)


def _write(draft: Path, index: xr.Dataset, fields: Mapping[str, Field], *, errors: bool) -> None:
    import xarray as xr
    import zarr

    names = measured.coordinates(fields)
    beside = xr.Dataset(coords={"time": index["time"]} | {k: np.array(v, dtype=object) for k, v in names.items()})
    with quiet():
        for dataset, group in ((index, None), (beside, measured.GROUP)):
            dataset.to_zarr(draft, group=group, zarr_format=3, consolidated=False, encoding=_encoding(dataset))
        root = zarr.open_group(draft, mode="r+", use_consolidated=False)
        sizes = {str(dim): size for each in (index, beside) for dim, size in each.sizes.items()} | measured.SIZES
        for name, field in fields.items():
            if field.on_grid:
                _create_sharded(root, name, field, sizes=sizes, runs_per_shard=index.attrs["runs_per_shard"])
        small = {name: Array(f.dims, f.dtype, _described(f)) for name, f in fields.items() if not f.on_grid}
        small |= {f"{measured.GROUP}/{name}": array for name, array in measured.layout(errors=errors).items()}
        _create_small(root, small, sizes=sizes, runs_per_shard=index.attrs["runs_per_shard"])
    (draft / parts.FOLDER).mkdir()


def _settle(draft: Path, path: Path) -> None:
    """Move each file of the draft to its place in the store, unless it is there already with the same bytes."""
    for file in sorted(file for file in draft.rglob("*") if file.is_file()):
        place = path / file.relative_to(draft)
        if not place.is_file() or place.read_bytes() != file.read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)


def _encoding(dataset: xr.Dataset) -> dict[str, Any]:
    """Return how coordinates are stored: each in one chunk, with a checksum."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    codecs = [ZstdCodec(level=3), Crc32cCodec()]
    return {str(name): {"chunks": values.shape, "compressors": codecs} for name, values in dataset.coords.items()}


def _create_sharded(
    root: zarr.Group, name: str, field: Field, *, sizes: Mapping[str, int], runs_per_shard: int
) -> None:
    frames, shape = sizes["time"], tuple(sizes[dim] for dim in field.dims)
    per_chunk = min(FRAMES_PER_CHUNK, frames)
    root.create_array(
        name,
        shape=(sizes["run"], *shape),
        dtype=field.dtype,
        chunks=(1, per_chunk, *shape[1:]),
        shards=(runs_per_shard, math.ceil(frames / per_chunk) * per_chunk, *shape[1:]),
        compressors=_compressors(field.dtype),
        fill_value=float("nan"),
        dimension_names=("run", *field.dims),
        attributes={**_described(field)},
    )


def _create_small(
    root: zarr.Group, arrays: Mapping[str, Array], *, sizes: Mapping[str, int], runs_per_shard: int
) -> None:
    shapes = {name: tuple(sizes[dim] for dim in array.dims) for name, array in arrays.items()}
    row = max(np.dtype(array.dtype).itemsize * math.prod(shapes[name]) for name, array in arrays.items())
    rows = rows_per_chunk(sizes["run"], row, runs_per_shard)
    for name, array in arrays.items():
        root.create_array(
            name,
            shape=(sizes["run"], *shapes[name]),
            dtype=array.dtype,
            chunks=(rows, *shapes[name]),
            compressors=_compressors(array.dtype),
            fill_value=float("nan"),
            dimension_names=("run", *array.dims),
            attributes={**array.attributes},
        )


def rows_per_chunk(runs: int, row: int, runs_per_shard: int) -> int:
    """Return how many runs a chunk of the small arrays holds: all, or as many whole shards as fit in `SMALL` bytes."""
    return min(runs, max(1, SMALL // max(1, row) // runs_per_shard) * runs_per_shard)


def _compressors(dtype: str) -> Sequence[Any]:
    from zarr.codecs import BloscCodec, Crc32cCodec

    return [
        BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=np.dtype(dtype).itemsize),
        Crc32cCodec(),
    ]


def _described(field: Field) -> dict[str, str]:
    attributes = {"units": field.units, "long_name": field.long_name, "comment": field.comment}
    return {key: text for key, text in attributes.items() if text}
