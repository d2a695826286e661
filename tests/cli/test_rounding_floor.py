"""When the command line measures the rounding floor."""

from __future__ import annotations

from pathlib import Path

import pytest

from phigen.building.builder import build
from phigen.cli.rounding_floor import rounding_floor_of
from phigen.errors import MeasureError
from phigen.recipe.loading import parse
from phigen.store.reading import open as open_store
from tests.shared.recipes import WITHOUT_FLOOR


def test_a_floor_that_was_not_called_for_is_not_simulated(small_store: Path) -> None:
    assert rounding_floor_of(open_store(small_store)) is None


def test_a_dataset_without_a_floor_is_an_error_only_if_the_floor_is_required(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = parse(WITHOUT_FLOOR.replace("regions: stay", "regions: stay\n  reference_frame: lab"), "small.yaml")
    dataset = open_store(build(recipe, tmp_path / "s.zarr", workers=1).path)
    assert rounding_floor_of(dataset) is None
    assert len(capsys.readouterr().err.splitlines()) == 1
    with pytest.raises(MeasureError):
        rounding_floor_of(dataset, required=True)
