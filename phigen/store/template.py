"""The template of a store: arrays, coordinates and attributes before anything is simulated."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phigen.atomic import drafted, written_whole
from phigen.store import manifest
from phigen.store.layout import LAYOUT
from phigen.store.manifest import Manifest
from phigen.symmetry.fields import Field

if TYPE_CHECKING:
    import xarray as xr
    import zarr

FRAMES_PER_CHUNK = 10
"""Frames in an inner chunk: as many as the published windows have; a window is read in about 2 ms (docs/numbers.md)."""


def lay(path: Path, index: xr.Dataset, variables: Mapping[str, Field], *, over: Manifest | None = None) -> None:
    """Write the template of a store, whole or not at all.

    Parameters
    ----------
    path : Path
        Of the store; nothing or an empty folder.
    index : Dataset
        Coordinates and attributes; its dims give the sizes of the arrays.
    variables : mapping of str to Field
        Those that there are arrays for.
    over : Manifest, optional
        Of a store that is there and continued or repaired: the files of its template may be what is damaged.
    """
    if over is None:
        with written_whole(path, replace=True) as draft:
            _write(draft, index, variables)
    else:
        with drafted(path) as draft:
            _write(draft, index, variables)
            manifest.scatter(over)
            _settle(draft, path)


def _write(draft: Path, index: xr.Dataset, variables: Mapping[str, Field]) -> None:
    import zarr

    with quiet():
        index.assign_attrs(layout=LAYOUT).to_zarr(draft, zarr_format=3, consolidated=False)
        group = zarr.open_group(draft, mode="r+", use_consolidated=False)
        for name, variable in variables.items():
            _create_array(group, name, variable, sizes={str(dim): size for dim, size in index.sizes.items()})
    (draft / manifest.PARTS).mkdir()


def _settle(draft: Path, path: Path) -> None:
    """Move each file of the draft to its place in the store, unless it is there already with the same bytes."""
    for file in sorted(file for file in draft.rglob("*") if file.is_file()):
        place = path / file.relative_to(draft)
        if not place.is_file() or place.read_bytes() != file.read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)


def _create_array(group: zarr.Group, name: str, variable: Field, *, sizes: Mapping[str, int]) -> None:
    from zarr.codecs import BloscCodec, Crc32cCodec

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
    """Silence zarr's warnings: text and consolidated metadata are not standard yet, and the manifest is not zarr."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=f".*(specification|Consolidated metadata|Object at {manifest.PARTS}).*"
        )
        yield
