"""Stores and versions that the tests of the Hub share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.hub import bundle
from phigen.pictures.preview import preview
from phigen.recipe.loading import parse
from tests.shared.recipes import TWO_ORBITS
from tests.shared.requests import PublishOnce

PICTURES: dict[str, bytes] = {}
"""Pictures by recipe."""


@pytest.fixture(scope="session")
def two_orbits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of two orbits, one for training and one for tests."""
    return build(parse(TWO_ORBITS), tmp_path_factory.mktemp("hub") / "small.zarr", workers=1).path


@pytest.fixture
def published(publish_once: PublishOnce, two_orbits: Path) -> str:
    """The reference of a published version, of which nothing has been downloaded."""
    return str(publish_once(two_orbits))


@pytest.fixture
def copied(without_floor: Path, tmp_path: Path) -> Path:
    """A store that a test may damage."""
    return Path(shutil.copytree(without_floor, tmp_path / "small.zarr"))


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw each dataset only once: most tests publish the same one."""
    monkeypatch.setattr(bundle, "preview", _drawn)


def _drawn(dataset: xr.Dataset, path: Path, *, errors: xr.Dataset | None) -> None:
    recipe = dataset.attrs.get("recipe", "")
    if recipe not in PICTURES:
        PICTURES[recipe] = preview(dataset, path, errors=errors).read_bytes()
    path.write_bytes(PICTURES[recipe])
