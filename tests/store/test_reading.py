"""A store is opened whole or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.errors import StoreError
from phigen.planning.plans import plan
from phigen.recipe.model import Recipe
from phigen.store import reading as store
from tests.shared.files import files_of
from tests.shared.stores import prepared, write_shards


@pytest.mark.parametrize("damage", ["deleted", "cut", "flipped"])
def test_damage_is_noticed_and_repaired_with_the_same_bytes(built: Path, small: Recipe, damage: str) -> None:
    before = files_of(built)
    shard = next(file for file in (built / "velocity" / "c" / "3").rglob("*") if file.is_file())
    bits = bytearray(shard.read_bytes())
    if damage == "deleted":
        shard.unlink()
    elif damage == "cut":
        shard.write_bytes(bits[:-20])
    else:
        bits[len(bits) // 3] ^= 1
        shard.write_bytes(bits)
    if damage == "flipped":
        for dataset in (store.open(built), xr.open_zarr(built)):
            with pytest.raises(ValueError, match=r"(?i)checksum"):
                dataset["velocity"].isel(run=3).load()
    else:
        with pytest.raises(StoreError, match=r"velocity/c/3/.* is damaged"):
            store.open(built)
    assert build(small, built, workers=1).written == 1
    assert files_of(built) == before


@pytest.mark.parametrize("file", ["strength/c/0", "time/zarr.json", "smoke/zarr.json"])
def test_a_lost_coordinate_is_noticed_and_repaired_without_simulating(built: Path, small: Recipe, file: str) -> None:
    before = files_of(built)
    (built / file).unlink()
    with pytest.raises(StoreError, match=f"{file} is damaged, got no file"):
        store.open(built)
    assert build(small, built, workers=1).written == 0
    assert files_of(built) == before


def test_an_unfinished_store_is_not_opened_and_can_be_continued(small: Recipe, tmp_path: Path) -> None:
    path, planned = tmp_path / "s.zarr", plan(small)
    assert prepared(path, planned) == list(range(8))
    write_shards(path, planned, range(3))
    with pytest.raises(StoreError, match="is unfinished, 3 of 8 runs are there; run the same build again"):
        store.open(path)
    assert prepared(path, planned) == list(range(3, 8))
    assert build(small, path, workers=1).written == 5
    whole = build(small, tmp_path / "whole.zarr", workers=1).path
    assert files_of(path) == files_of(whole)
