"""The breaking that calibration finds gives the target errors, in the finished dataset too, and is found once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phigen.building import builder as building
from phigen.building.builder import build
from phigen.building.calibration import calibrate
from phigen.errors import RecipeError
from phigen.measurement.data_error import measure, summarize
from phigen.planning.plans import Calibration, plan
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.recipe.values import spelled_out
from phigen.store import manifest, writing
from phigen.store import reading as store

RECIPE = """\
name: graded
version: 1.0.0
grid: {{cells: 16}}
time: {{steps: 12, frames: {{first: 2}}, dt_velocity: 0.5}}
scene:
  inflows: [{{center: [8, 3], radius: 2}}]
  buoyancy: {{strength: 0.1}}
symmetry:
  group: C4
  target_error: {targets}
{more}
"""


def graded(targets: str = "[0, 0.02, 0.05]", more: str = "") -> Recipe:
    return parse(RECIPE.format(targets=targets, more=more), "graded.yaml")


def errors_of(dataset: xr.Dataset) -> np.ndarray:
    return summarize(measure(dataset))["mae"].sel(variable="velocity").values


def targets_of(recipe: Recipe) -> np.ndarray:
    assert recipe.symmetry.target_error is not None
    return np.array(spelled_out(recipe.symmetry.target_error), float)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return store.open(build(graded(), tmp_path_factory.mktemp("graded") / "g.zarr", workers=1).path)


def test_the_finished_dataset_has_the_errors_that_were_asked_for(dataset: xr.Dataset) -> None:
    np.testing.assert_allclose(errors_of(dataset), [0, 0.02, 0.05], rtol=0.01)
    assert errors_of(dataset)[0] == 0
    assert np.unique(dataset["level"]).tolist() == [0, 0.02, 0.05]


def test_what_was_found_and_measured_is_stored_with_the_dataset(dataset: xr.Dataset) -> None:
    held = dataset.attrs["calibration"]
    assert held["targets"] == [0, 0.02, 0.05]
    np.testing.assert_allclose(errors_of(dataset), held["errors"], rtol=1e-12)
    for level, breaking in zip(held["targets"], held["breaking"], strict=True):
        runs = dataset.isel(run=dataset["level"] == level)
        assert set(runs["breaking"].values) == {breaking}
        expected = [0.1 + i * breaking for i in range(4)]
        np.testing.assert_allclose(runs["strength"], expected, rtol=1e-12)
    assert held["breaking"][0] == 0 < held["breaking"][1] < held["breaking"][2]
    curve = np.array(held["curve"])
    assert (np.diff(curve[:, 0]) > 0).all()
    assert {*zip(held["breaking"], held["errors"], strict=True)} <= {*map(tuple, held["curve"])}


def test_the_stored_calibration_is_the_one_that_is_found(dataset: xr.Dataset) -> None:
    found = calibrate(graded())
    held = dataset.attrs["calibration"]
    assert (list(found.targets), list(found.breaking), list(found.errors)) == (
        held["targets"],
        held["breaking"],
        held["errors"],
    )


@pytest.mark.parametrize(
    "more",
    [
        "  breaking: {offsets: [0, 0.01, 0.01, 0.03]}",
        "  breaking: {gains: [0, 0.5, -0.2, 0.1]}",
        "  breaking:\n    schedules:\n      - {kind: constant}\n      - {kind: ramp, first: 0, last: 10}\n"
        "      - {kind: sine, period: 6, amplitude: 1}\n      - {kind: steps, at: [3], factors: [0]}",
        "  elements: [identity, rotate180]\nvary: {strength: [0.05, 0.1]}",
        "  breaking: {offsets: [0, 0, 0, 0.1]}\n  tolerance: 0.0001",
    ],
)
def test_offsets_gains_schedules_and_several_orbits_can_be_calibrated(more: str, tmp_path: Path) -> None:
    recipe = graded("[0, 0.004, 0.01]", more)
    built = store.open(build(recipe, tmp_path / "g.zarr", workers=1).path)
    tolerance = recipe.symmetry.tolerance
    np.testing.assert_allclose(errors_of(built), [0, 0.004, 0.01], rtol=tolerance)
    np.testing.assert_allclose(errors_of(built), built.attrs["calibration"]["errors"], rtol=1e-12)
    assert (np.diff(built.attrs["calibration"]["breaking"]) > 0).all()


def test_an_element_alone_may_have_another_schedule_as_far_as_that_is_found() -> None:
    """At the parameter p its factor is (1 - p) * 1 + p * its own."""
    pause = "{kind: steps, at: [4], factors: [0]}"
    schedules = f"  elements: [identity, rotate90]\n  breaking: {{schedules: [{{kind: constant}}, {pause}]}}"
    recipe = graded("[0.01]", schedules)
    found = calibrate(recipe)
    one, other = (run.simulation.force for run in plan(recipe, found).runs)
    share = found.breaking[0]
    assert 0 < share < 1
    ratios = [b[0][1] / a[0][1] for a, b in zip(one, other, strict=True)]
    assert ratios == pytest.approx([1] * 4 + [1 - share] * 8)


def test_no_error_at_all_needs_no_breaking_at_all() -> None:
    found = calibrate(graded("[0]"))
    assert (found.targets, found.breaking, found.errors) == ((0.0,), (0.0,), (0.0,))


def test_progress_counts_targets() -> None:
    seen: list[tuple[str, int, int]] = []
    calibrate(graded("[0, 0.02]"), progress=lambda what, done, total: seen.append((what, done, total)))
    assert seen == [("calibrating", 0, 2), ("calibrating", 1, 2), ("calibrating", 2, 2)]


def test_a_target_that_cannot_be_reached_is_refused_with_its_place_and_the_attainable_range() -> None:
    gains = "  breaking: {gains: [0, -0.1, -0.1, -0.1]}"
    with pytest.raises(RecipeError) as caught:
        calibrate(graded("[0, 0.01, 50]", gains))
    message = str(caught.value)
    assert message.startswith("graded.yaml:10:3: symmetry.target_error: 50 cannot be reached")
    attainable = re.search(r"gives (\S+) to (\S+);", message)
    assert attainable is not None
    least, most = map(float, attainable.groups())
    assert least == 0
    assert calibrate(graded(f"[{most * 0.98:.4g}]", gains)).errors[0] == pytest.approx(most * 0.98, rel=0.01)
    assert "\n" not in message


def test_nothing_is_built_for_a_target_that_cannot_be_reached(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="99 cannot be reached"):
        build(graded("[99]", "  breaking: {gains: [0, -0.1, -0.1, -0.1]}"), tmp_path / "g.zarr", workers=1)
    assert not (tmp_path / "g.zarr").exists()


def test_a_recipe_of_levels_has_nothing_to_calibrate() -> None:
    levels = parse(
        RECIPE.format(targets="[0]", more="").replace("target_error: [0]", "breaking: {gains: [0, 1, 1, 1]}")
    )
    with pytest.raises(RecipeError, match="has no target_error, so there is nothing to calibrate"):
        calibrate(levels)


def test_a_plan_says_that_strengths_are_not_known_yet() -> None:
    planned = plan(graded())
    assert planned.provisional
    assert len(planned.runs) == 12
    known = plan(graded(), Calibration((0, 0.02, 0.05), (0, 0.01, 0.02), (0, 0.02, 0.05), ()))
    assert not known.provisional
    assert [run.strength for run in known.runs[8:]] == pytest.approx([0.1, 0.12, 0.14, 0.16])


def test_a_build_that_continues_does_not_calibrate_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, calls = tmp_path / "g.zarr", []
    real = building.calibrate

    def counted(*arguments: object, **options: object) -> Calibration:
        calls.append(arguments)
        return real(*arguments, **options)  # type: ignore[arg-type]

    def full(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "calibrate", counted)
    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_shard", full)
        with pytest.raises(KeyboardInterrupt):
            build(graded(), path, workers=1)
    assert (len(calls), manifest.load(path).shards) == (1, {})
    assert build(graded(), path, workers=1).written == 12
    assert build(graded(), path, workers=1).written == 0
    assert len(calls) == 1
    np.testing.assert_allclose(errors_of(store.open(path)), targets_of(graded()), rtol=0.01)
    build(graded(), tmp_path / "elsewhere.zarr", workers=1)
    assert len(calls) == 2
