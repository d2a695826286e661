"""The rounding floor is the error that rounding alone makes, whatever breaks the symmetry on purpose."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.errors import MeasureError
from phigen.measurement.data_error import measure
from phigen.measurement.rounding_floor import rounding_floor
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.store import reading as store
from phigen.store.metadata import index_of

RECIPE = """\
name: floored
version: 1.0.0
grid: {{cells: 16, boundary: {boundary}}}
time: {{steps: {steps}, frames: {{first: 1, every: 20}}, dt_velocity: 0.5}}
scene:
  inflows: [{{center: [6, 3], radius: 2}}]
  buoyancy: {{strength: 0.1}}
  regions: [{regions}]
symmetry: {{{symmetry}}}
precision: {precision}
{more}
"""
PRECISIONS = ("single", "double")
C4 = "group: C4, breaking: {offsets: [0, 0.01, 0.02, 0.03], levels: [0, 1]}"


Make = Callable[..., xr.Dataset]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Build a dataset of one plume, with what a test changes; the same dataset is built once."""
    folder = tmp_path_factory.mktemp("floored")

    @cache
    def made(
        symmetry: str,
        *,
        boundary: str = "closed",
        steps: int = 122,
        precision: str = "single",
        regions: str = "",
        more: str = "",
    ) -> xr.Dataset:
        said = {"boundary": boundary, "steps": steps, "precision": precision, "regions": regions, "more": more}
        text = RECIPE.format(symmetry=symmetry, **said)
        path = folder / f"{len(list(folder.iterdir()))}.zarr"
        return store.open(build(parse(text, "floored.yaml"), path, workers=1).path)

    return made


def test_the_rounding_floor_of_rotations_starts_at_rounding_and_grows(make: Make) -> None:
    dataset = make(C4)
    rounding = rounding_floor(dataset)["mae"].sel(level=0)
    errors = measure(dataset)["mae"]
    assert rounding["time"].values.tolist() == errors["time"].values.tolist() == [1, 21, 41, 61, 81, 101, 121]
    assert rounding["element"].values.tolist() == ["rotate90", "rotate180", "rotate270"]
    assert rounding["variable"].values.tolist() == ["smoke", "velocity"]
    assert (rounding.isel(time=0) < 1e-6).all()
    assert (rounding.isel(time=-1) > 1e-5).all()
    assert not errors.sel(level=0).any()
    early = errors.sel(level=1).isel(time=1)
    assert (rounding.isel(time=1) < 0.01 * early).all()


def test_double_precision_lowers_the_rounding_floor(make: Make) -> None:
    """Both are stored in single precision; simulations in double precision agree until rounding has grown to that."""
    single, double = (
        rounding_floor(make(C4, precision=precision))["mae"].sel(variable="smoke") for precision in PRECISIONS
    )
    assert (double.isel(time=slice(1, None)) < 0.01 * single.isel(time=slice(1, None))).all()


def test_the_rounding_floor_does_not_depend_on_what_breaks_the_dataset(make: Make) -> None:
    """Except for the strength of its runs."""
    unbroken = rounding_floor(make("group: C4"))
    schedules = ", ".join(["{kind: constant}"] * 3 + ["{kind: ramp, first: 0, last: 9}"])
    broken = rounding_floor(make(f"group: C4, breaking: {{schedules: [{schedules}]}}"))
    in_the_lab = rounding_floor(make("group: C4, reference_frame: lab"))
    assert unbroken["mae"].any()
    for other in (broken, in_the_lab):
        xr.testing.assert_identical(other, unbroken)


def test_target_errors_have_a_rounding_floor_whatever_their_tolerance(make: Make) -> None:
    dataset = make("group: C4, reference_frame: lab, target_error: [0.02, 0.05], tolerance: 0.2", steps=42)
    assert rounding_floor(dataset)["mae"].any()


def test_a_dataset_that_is_unbroken_in_the_lab_has_the_error_of_its_rounding_floor(make: Make) -> None:
    dataset = make("group: C4, reference_frame: lab")
    xr.testing.assert_identical(measure(dataset), rounding_floor(dataset))


def test_the_rounding_floor_is_of_the_strongest_run(make: Make) -> None:
    """Breaking makes runs stronger than their scene, and rounding grows faster in them."""
    strongest = rounding_floor(make("group: C4", more="vary: {strength: [0.3]}"))
    xr.testing.assert_identical(rounding_floor(make("group: C4", more="vary: {strength: [0.1, 0.3, 0.2]}")), strongest)
    assert not rounding_floor(make("group: C4")).equals(strongest)
    xr.testing.assert_identical(rounding_floor(make("group: C4, breaking: {offsets: [0, 0.1, 0.05, 0.2]}")), strongest)


def test_the_rounding_floor_is_of_an_orbit_that_has_runs_to_compare(make: Make) -> None:
    """The first scene is its own mirror image, and has one distinct run."""
    dataset = make("group: D1_x, elements: distinct", more="vary: {inflow_x: [8, 5]}")
    assert dataset["orbit"].values.tolist() == [0, 1, 1]
    assert rounding_floor(dataset)["mae"].any()


def test_the_rounding_floor_is_of_the_variables_and_frames_that_are_stored(make: Make) -> None:
    dataset = make(C4, more="store: [faces, pressure]")
    assert rounding_floor(dataset)["variable"].values.tolist() == ["faces", "pressure"]
    some = rounding_floor(dataset.isel(time=[0, 3]))
    assert some["time"].values.tolist() == dataset["time"].values[[0, 3]].tolist()
    xr.testing.assert_identical(some, rounding_floor(dataset).isel(time=[0, 3]))


def test_shifts_of_a_periodic_box_have_a_rounding_floor(make: Make) -> None:
    dataset = make("group: translation, shifts: [[0, 0], [5, 0], [13, 6]]", boundary="periodic")
    rounding = rounding_floor(dataset)["mae"].sel(level=0)
    assert not measure(dataset)["mae"].any()
    assert (rounding.isel(time=0) < 1e-6).all()
    assert (rounding.isel(time=-1) > 1e-5).all()


def test_rescaled_cells_have_a_rounding_floor_which_is_zero_for_powers_of_two(make: Make) -> None:
    rounding = rounding_floor(make("group: scaling, scaling_method: rescaled, factors: [1, 2, 1.7]"))["mae"].isel(
        level=0, time=-1
    )
    assert (rounding.sel(element="scale(2)") == 0).all()
    assert (rounding.sel(element="scale(1.7)") > 0).all()


@pytest.mark.parametrize(
    ("symmetry", "boundary", "regions", "element"),
    [
        ("group: translation, shifts: [[0, 0], [5, 0]]", "closed", "", "shift(5, 0)"),
        ("group: translation, shifts: [[0, 0], [5, 0], [0, 4]]", "{x: periodic, y: closed}", "", "shift(0, 4)"),
        ("group: translation, non_integer: resample, shifts: [[0, 0], [0.5, 0]]", "periodic", "", "shift(0.5, 0)"),
        ("group: scaling, scaling_method: resampled, factors: [1, 2]", "closed", "", "scale(2)"),
        ("group: C4, regions: stay", "closed", "{x: [0, 8]}, {x: [8, 16], factor: 2}", "rotate90"),
    ],
)
def test_what_makes_another_flow_has_no_rounding_floor_and_says_so_in_one_line(
    symmetry: str, boundary: str, regions: str, element: str
) -> None:
    """From the coordinates and attributes of a dataset, before anything is simulated."""
    said = {"boundary": boundary, "regions": regions, "steps": 3, "precision": "double", "more": ""}
    with pytest.raises(MeasureError) as caught:
        rounding_floor(index_of(plan(parse(RECIPE.format(symmetry=symmetry, **said)))))
    assert str(caught.value).startswith(f"floored: has no rounding floor, {element} makes another flow")
    assert "\n" not in str(caught.value)


def test_regions_that_move_with_the_scene_have_a_rounding_floor(make: Make) -> None:
    rounding = rounding_floor(make("group: C2", regions="{x: [0, 8]}, {x: [8, 16], factor: 2}"))
    assert rounding["mae"].isel(time=-1).values.min() > 0
