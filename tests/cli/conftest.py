"""A small dataset that tests of commands look at and copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phigen.building.builder import build
from phigen.recipe.model import Recipe


@pytest.fixture(scope="session")
def small_store(small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small recipe's dataset, to be read and not changed."""
    return build(small, tmp_path_factory.mktemp("datasets") / "small.zarr", workers=1).path


@pytest.fixture
def copied_store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small dataset, alone in its folder, for commands that write beside a dataset."""
    return Path(shutil.copytree(small_store, tmp_path / "alone" / "small.zarr"))
