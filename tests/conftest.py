"""Recipes and datasets that tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from phigen.building import build
from phigen.cluster import own_process
from phigen.planning import plan
from phigen.reading import parse
from phigen.recipe import Recipe
from phigen.runs import Simulation

os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="phigen-tests-")
os.environ.update(own_process())

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

SMALL = """\
name: small
version: 1.0.0
grid: {cells: 16}
time: {steps: 6, frames: {first: 1}, dt_velocity: 0.5}
scene:
  inflows: [{center: [8, 3], radius: 2}]
  buoyancy: {strength: 0.1}
symmetry:
  group: C4
  breaking: {offsets: [0, 0.01, 0.02, 0.03], levels: [0, 1]}
"""


@pytest.fixture(scope="session")
def small() -> Recipe:
    """Two levels of four tiny runs."""
    return parse(SMALL, "small.yaml")


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """The small recipe as a file."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def eq10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The main job's result, built in one process."""
    path = tmp_path_factory.mktemp("datasets") / "rotation_eq10.zarr"
    build("rotation_eq10", path, workers=1)
    return path


@pytest.fixture(scope="session")
def eq3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three levels of the same family, built in one process."""
    path = tmp_path_factory.mktemp("datasets") / "rotation_eq3.zarr"
    build("rotation_eq3", path, workers=1)
    return path


Scene = Callable[..., Simulation]


@pytest.fixture(scope="session")
def scene() -> Scene:
    """Give one plume's simulation, with what a test changes."""

    def make(
        *,
        cells: int | list[int] = 64,
        boundary: str = "closed",
        steps: int = 10,
        frames: str = "",
        strength: float = 0.05,
        center: tuple[float, float] = (32, 5),
        radius: float = 5,
        direction: tuple[float, float] = (0, 1),
        precision: str = "double",
    ) -> Simulation:
        recipe = parse(
            f"""\
name: scene
version: 1.0.0
grid: {{cells: {cells}, boundary: {boundary}}}
time: {{steps: {steps}, frames: {{{frames}}}, dt_velocity: 0.5}}
scene:
  inflows: [{{center: {list(center)}, radius: {radius}}}]
  buoyancy: {{direction: {list(direction)}, strength: {strength}}}
precision: {precision}
"""
        )
        return plan(recipe).runs[0].simulation

    return make


def files_of(store: Path) -> dict[str, bytes]:
    """Give every file of a store by its path."""
    return {file.relative_to(store).as_posix(): file.read_bytes() for file in store.rglob("*") if file.is_file()}
