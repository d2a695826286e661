"""The files of a store are counted before it is built, its bytes and the memory of a worker are estimated."""

from __future__ import annotations

from pathlib import Path

import pytest

from phigen.building.builder import build
from phigen.building.footprint import memory_of, room_of
from phigen.planning.plans import plan
from phigen.recipe.loading import load, parse
from phigen.recipe.model import Recipe
from tests.shared.files import files_of
from tests.shared.recipes import SMALL, TWO_ORBITS, WITHOUT_FLOOR
from tests.shared.requests import RunsPerShard

ALL_FIELDS = SMALL + "store: [smoke, velocity, faces, pressure]\n"


def counted(recipe: Recipe, path: Path) -> tuple[int, int]:
    """Return how many files are foretold, and how many a build makes."""
    build(recipe, path, workers=1)
    return room_of(plan(recipe)).files, sum(file.is_file() for file in path.rglob("*"))


@pytest.mark.parametrize("text", [SMALL, TWO_ORBITS, WITHOUT_FLOOR, ALL_FIELDS, SMALL.split("symmetry")[0]])
def test_files_are_counted_before_they_are_made(text: str, tmp_path: Path) -> None:
    foretold, made = counted(parse(text), tmp_path / "s.zarr")
    assert foretold == made


def test_files_are_counted_with_several_runs_a_shard(set_runs_per_shard: RunsPerShard, tmp_path: Path) -> None:
    set_runs_per_shard(3)
    foretold, made = counted(parse(TWO_ORBITS), tmp_path / "s.zarr")
    assert foretold == made


def test_bytes_are_within_thirty_percent(eq3: Path) -> None:
    size = sum(file.stat().st_size for file in eq3.rglob("*") if file.is_file())
    assert room_of(plan(load("rotation_eq3"))).bytes == pytest.approx(size, rel=0.3)
    assert room_of(plan(load("rotation_eq3"))).files == len(files_of(eq3))


@pytest.mark.parametrize(
    ("name", "megabytes"),
    [
        ("mirror_eq5", 66.9),
        ("random_plumes", 3511),
        ("rotation", 460),
        ("rotation_eq10", 54.3),
        ("rotation_graded", 54.2),
        ("scaling", 490),
        ("translation", 426),
        ("translation_periodic", 767),
    ],
)
def test_bytes_of_shipped_recipes_are_within_thirty_percent_of_what_was_built(name: str, megabytes: float) -> None:
    assert room_of(plan(load(name))).bytes / 1e6 == pytest.approx(megabytes, rel=0.3)


def test_memory_grows_with_runs_shards_and_calibrations_and_not_with_their_number() -> None:
    usual, long, graded = (plan(load(name)) for name in ("rotation_eq10", "rotation", "rotation_graded"))
    many, fewer = plan(load("random_plumes")), plan(load("rotation_eq3"))
    assert memory_of(usual, cluster=False) == memory_of(fewer, cluster=False) < memory_of(graded, cluster=False)
    assert memory_of(usual, cluster=True) < memory_of(long, cluster=True) < memory_of(many, cluster=True) < 1e9
    assert memory_of(usual, cluster=False) < memory_of(usual, cluster=True)
