"""A small finished store."""

from __future__ import annotations

from pathlib import Path

import pytest

from phigen.building.builder import build
from phigen.recipe.model import Recipe


@pytest.fixture
def built(small: Recipe, tmp_path: Path) -> Path:
    """The small recipe's store, which a test may damage."""
    return build(small, tmp_path / "small.zarr", workers=1).path
