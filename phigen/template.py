"""The template of a store: arrays, coordinates and attributes before anything is simulated."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from phigen import manifest
from phigen.layout import ALWAYS, STORED_AS, VARIABLES, dims_of, index_of
from phigen.planning import Plan

FRAMES_PER_CHUNK = 10
"""Inner chunks of 10 frames: the published windows; one is read in about 2 ms (docs/numbers.md)."""


def lay(path: Path, plan: Plan) -> None:
    """Write the template beside its place and move it there, so that it is whole or not there.

    Over a store that is to be continued or mended it is laid again, for its own files may be what is damaged.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(parents=True, exist_ok=True)
        with quiet():
            index_of(plan).to_zarr(draft, zarr_format=3, consolidated=False)
            group = zarr.open_group(draft, mode="r+", use_consolidated=False)
            for name in (*(v for chosen in plan.recipe.store for v in STORED_AS[chosen]), *ALWAYS):
                _create_array(group, name, plan)
        (draft / manifest.PARTS).mkdir()
        if path.exists() and any(path.iterdir()):
            manifest.scatter(path)
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


def _create_array(group: zarr.Group, name: str, plan: Plan) -> None:
    variable = VARIABLES[name]
    width, height = plan.recipe.grid.shape
    frames = len(plan.recipe.time.kept)
    sizes = {"time": frames, "component": 2, "y": height, "x": width, "y_face": height + 1, "x_face": width + 1}
    sizes["region"] = len(plan.recipe.scene.regions)
    dims = dims_of(name, plan.recipe)
    shape = tuple(sizes[dim] for dim in dims)
    per_chunk = min(FRAMES_PER_CHUNK, frames)
    whole = (1, -(-frames // per_chunk) * per_chunk, *shape[1:])
    windowed = "y" in dims or "y_face" in dims
    attributes = {"units": variable.units, "long_name": variable.long_name, "comment": variable.comment}
    group.create_array(
        name,
        shape=(len(plan.runs), *shape),
        dtype=variable.dtype,
        chunks=(1, per_chunk, *shape[1:]) if windowed else (1, *shape),
        shards=whole if windowed else None,
        compressors=[
            BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=np.dtype(variable.dtype).itemsize),
            Crc32cCodec(),
        ],
        fill_value=float("nan"),
        dimension_names=("run", *dims),
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
