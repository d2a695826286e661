"""The small arrays of a store are repaired without its fields, and a flipped bit in a coordinate is noticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import phigen
from phigen.building.builder import build
from phigen.planning.runs import Simulation
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.store import manifest, measured, template
from phigen.store.template import rows_per_chunk
from tests.shared.files import files_of
from tests.shared.recipes import TWO_ORBITS
from tests.shared.requests import RunsPerShard


@pytest.fixture
def damaged(sharded: Path, tmp_path: Path) -> Path:
    """A copy of the store in shards of three runs, which a test may damage."""
    return Path(shutil.copytree(sharded, tmp_path / "damaged.zarr"))


SMALL_ARRAYS = ["divergence", "courant", "buoyancy", "measured/mae", "measured/resampling", "measured/moments"]


@pytest.mark.parametrize("name", SMALL_ARRAYS)
@pytest.mark.parametrize("how", ["flipped", "deleted"])
def test_a_damaged_chunk_of_a_small_array_is_made_again_with_the_same_bytes(
    damaged: Path, set_runs_per_shard: RunsPerShard, name: str, how: str
) -> None:
    set_runs_per_shard(3)
    before = files_of(damaged)
    (chunk,) = (file for file in (damaged / name / "c").rglob("*") if file.is_file())
    bits = bytearray(chunk.read_bytes())
    if how == "deleted":
        chunk.unlink()
    else:
        bits[len(bits) // 2] ^= 4
        chunk.write_bytes(bits)
        with pytest.raises(ValueError, match=r"(?i)checksum"):
            zarr.open_array(damaged / name, mode="r")[:]
    assert build(parse(TWO_ORBITS), damaged, workers=1).written == 16
    assert files_of(damaged) == before


def test_only_shards_whose_rows_are_damaged_are_made_again(
    tmp_path: Path, set_runs_per_shard: RunsPerShard, monkeypatch: pytest.MonkeyPatch, simulated: list[Simulation]
) -> None:
    """Where the rows of a dataset do not fit into one chunk, a damaged chunk costs the runs that it holds."""
    set_runs_per_shard(3)
    monkeypatch.setattr(template, "SMALL", 1000)
    path = build(parse(TWO_ORBITS), tmp_path / "s.zarr", workers=1).path
    before = files_of(path)
    chunks = sorted(file for file in (path / "measured" / "mae" / "c").rglob("*") if file.is_file())
    assert zarr.open_array(path / "measured" / "mae", mode="r").chunks[0] == 6
    assert len(chunks) == 3
    chunks[2].write_bytes(b"nonsense")
    simulated.clear()
    assert build(parse(TWO_ORBITS), path, workers=1).written == 4
    assert files_of(path) == before
    assert 0 < len(simulated) < 16


def test_rows_are_read_as_they_were_written(sharded: Path) -> None:
    dataset = phigen.open(sharded)
    known = manifest.load(sharded)
    for shard, of_shard in measured.read(known, {0, 5}).items():
        runs = known.runs_of(shard)
        for name in ("divergence", "courant", "buoyancy"):
            np.testing.assert_array_equal(of_shard[name], dataset[name].isel(run=runs))
        group = xr.open_zarr(sharded, group="measured", consolidated=False, chunks=None)
        for name in ("mae", "square", "magnitude", "resampling", "moments"):
            np.testing.assert_array_equal(of_shard[name], group[name].isel(run=runs))


@pytest.mark.parametrize(
    ("runs", "row", "runs_per_shard", "rows_in_chunk"),
    [(16, 100, 3, 16), (10**6, 1000, 12, 63996), (10**6, 10**8, 12, 12), (5, 10**9, 12, 5), (10**6, 0, 1, 10**6)],
)
def test_a_chunk_of_rows_holds_whole_shards(runs: int, row: int, runs_per_shard: int, rows_in_chunk: int) -> None:
    assert rows_per_chunk(runs, row, runs_per_shard) == rows_in_chunk


def _coordinates(store: Path) -> Iterator[str]:
    """Yield the paths of all coordinates, those of the group `measured` too."""
    for group in (None, "measured"):
        opened = xr.open_zarr(store, group=group, chunks=None)
        yield from (f"{group}/{name}" if group else str(name) for name in opened.coords)


def test_every_flipped_bit_of_a_coordinate_is_noticed_when_it_is_read(damaged: Path) -> None:
    names = list(_coordinates(damaged))
    assert {"level", "orbit", "element", "split", "strength", "time", "x", "y", "measured/variable"} < set(names)
    for name in names:
        array = zarr.open_array(damaged / name, mode="r")
        right = array[...]
        (chunk,) = (file for file in (damaged / name / "c").rglob("*") if file.is_file())
        bits = chunk.read_bytes()
        for place in range(len(bits)):
            flipped = bytearray(bits)
            flipped[place] ^= 1 << place % 8
            chunk.write_bytes(flipped)
            with pytest.raises(ValueError, match=r"(?i)checksum"):
                array[...]
        with pytest.raises(ValueError, match=r"(?i)checksum"):
            _read_as_users_do(damaged, name)
        chunk.write_bytes(bits)
        np.testing.assert_array_equal(array[...], right)


def _read_as_users_do(store: Path, name: str) -> None:
    group, _, own = name.rpartition("/")
    xr.open_zarr(store, group=group or None, chunks=None)[own].load()


def test_a_coordinate_is_repaired_without_simulating(
    damaged: Path, set_runs_per_shard: RunsPerShard, simulated: list[Simulation]
) -> None:
    set_runs_per_shard(3)
    before = files_of(damaged)
    for name in _coordinates(damaged):
        (chunk,) = (file for file in (damaged / name / "c").rglob("*") if file.is_file())
        bits = bytearray(chunk.read_bytes())
        bits[-1] ^= 1
        chunk.write_bytes(bits)
    assert build(parse(TWO_ORBITS), damaged, workers=1).written == 0
    assert files_of(damaged) == before
    assert simulated == []


def test_a_recipe_without_orbits_has_no_errors_and_its_moments_are_stored(small: Recipe, tmp_path: Path) -> None:
    text = small.text[: small.text.index("symmetry:")]
    path = build(parse(text), tmp_path / "s.zarr", workers=1).path
    group = xr.open_zarr(path, group="measured", consolidated=False, chunks=None)
    assert set(group.data_vars) == {"moments"}
    assert "mean" in phigen.open(path)["smoke"].attrs
