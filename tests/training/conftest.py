"""A dataset whose runs and frames are split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.recipe.loading import parse
from phigen.store import reading as store
from tests.shared.recipes import SMALL

SPLIT = (
    SMALL.replace("steps: 6", "steps: 76")
    + """\
vary: {strength: [0.1, 0.2, 0.3]}
splits: {train: [0, 1], test: [2], frames: {train: [1, 35], test: [41, 75], window: 5}}
"""
)
"""24 runs of 75 frames: 16 are for training, 8 for tests, each with 35 of the frames."""


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(parse(SPLIT), tmp_path_factory.mktemp("windows") / "split.zarr", workers=1).path


@pytest.fixture(scope="package")
def dataset(built: Path) -> xr.Dataset:
    return store.open(built)


@pytest.fixture(scope="package")
def noise(built: Path) -> xr.Dataset:
    """Two runs that no element leaves as they are."""
    data = store.open(built).isel(run=[0, 1]).load()
    rng = np.random.default_rng(0)
    for name in ("velocity", "smoke"):
        data[name].values = rng.normal(size=data[name].shape).astype(np.float32)
    return data
