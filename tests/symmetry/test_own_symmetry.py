"""A symmetry that a user defines in one file is built, measured and used for models like phigen's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import phigen
from phigen.building.builder import build
from phigen.errors import MeasureError, RecipeError
from phigen.measurement.data_error import measure
from phigen.measurement.rounding_floor import rounding_floor
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.store.reading import open as open_dataset
from phigen.symmetry.actions import act
from phigen.symmetry.element import Box
from phigen.symmetry.groups import GROUPS
from phigen.symmetry.models.equivariance import model_error
from tests.shared.glide import Glide

BOX = Box((6, 4), (("closed", "closed"), ("periodic", "periodic")))
GLIDE = Glide(1)


def recipe(offsets: str = "[0, 0.02]", **changes: str) -> Recipe:
    text = f"""\
name: glided
version: 1.0.0
grid: {{cells: [16, 12], boundary: {{x: closed, y: periodic}}}}
time: {{steps: 6, dt_velocity: 0.5}}
scene:
  inflows: [{{center: [5, 3], radius: 2}}]
  buoyancy: {{strength: 0.1, direction: [1, 2]}}
symmetry: {{group: glide, breaking: {{offsets: {offsets}, levels: [0, 1]}}}}
store: [smoke, velocity, faces, pressure]
"""
    for old, new in changes.items():
        text = text.replace(old, new)
    return parse(text)


@pytest.fixture(scope="module", params=[1, 2])
def dataset(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[xr.Dataset]:
    """The family, built in this process and by two processes."""
    path: Path = build(recipe(), tmp_path_factory.mktemp("glide") / "glided.zarr", workers=request.param).path
    with open_dataset(path) as opened:
        yield opened


def test_a_hand_drawn_plume_glides() -> None:
    """A spot in the lower left corner with a jet to the upper right: half the box higher, on the right, to the left."""
    u = xr.Dataset(
        {
            "smoke": (("y", "x"), np.zeros((4, 6))),
            "velocity": (("component", "y", "x"), np.zeros((2, 4, 6))),
            "velocity_x": (("y", "x_face"), np.zeros((4, 7))),
            "velocity_y": (("y_face", "x"), np.zeros((5, 6))),
        }
    )
    u["smoke"][0, 1] = 7
    u["velocity"][:, 0, 1] = [3, 5]
    u["velocity_x"][0, 2] = 4
    u["velocity_y"][0, 1] = u["velocity_y"][4, 1] = 6
    there = act(u, GLIDE)
    assert np.argwhere(there["smoke"].values).tolist() == [[2, 4]]
    assert there["smoke"].values[2, 4] == 7
    assert there["velocity"].values[:, 2, 4].tolist() == [-3, 5]
    assert np.count_nonzero(there["velocity"]) == 2
    assert np.argwhere(there["velocity_x"].values).tolist() == [[2, 4]]
    assert there["velocity_x"].values[2, 4] == -4
    assert np.argwhere(there["velocity_y"].values).tolist() == [[2, 4]]
    assert there["velocity_y"].values[2, 4] == 6
    assert GLIDE.on_point((1.5, 0.5), BOX) == (4.5, 2.5)
    assert GLIDE.on_direction((3, 5)) == (-3, 5)
    assert act(there, GLIDE).equals(u)


@given(st.tuples(st.floats(-9, 9), st.floats(-9, 9)))
def test_two_glides_shift_by_the_box(point: tuple[float, float]) -> None:
    x, y = GLIDE.on_point(GLIDE.on_point(point, BOX), BOX)
    assert (x, y) == pytest.approx((point[0], point[1] + 4))


def test_a_recipe_names_it_as_any_group() -> None:
    planned = plan(recipe("[0, 0]"))
    assert [run.element.name for run in planned.runs] == ["identity", "glide"] * 2
    assert len(planned.distinct) == 1
    assert planned.runs[1].inflows[0].center == (11, 9)
    assert plan(recipe()).runs[3].strength == pytest.approx(0.12)
    lab = plan(recipe("[0, 0]", **{"group: glide": "group: glide, reference_frame: lab"}))
    assert lab.runs[1].simulation.inflows[0].center == (11, 9)
    x, y = lab.runs[1].simulation.force[0][0]
    assert (x, y) == pytest.approx((-0.1 / 5**0.5, 0.2 / 5**0.5))


def test_a_box_or_an_element_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RecipeError, match="glide needs equal walls along x and an even, periodic y"):
        recipe(**{"boundary: {x: closed, y: periodic}": "boundary: closed"})
    with pytest.raises(RecipeError, match="rotate90"):
        recipe(**{"group: glide": "group: glide, elements: [identity, rotate90]"})


def test_equal_strengths_have_no_error_and_different_ones_have_one(dataset: xr.Dataset) -> None:
    assert dataset["element"].values.tolist() == ["identity", "glide"] * 2
    errors = measure(dataset)
    assert errors["element"].values.tolist() == ["glide"]
    assert not errors["mae"].sel(level=0).any()
    assert not errors["resampling"].any()
    assert (errors["mae"].sel(level=1).max("time") > 0).all()
    first, second = (dataset.isel(run=run).load() for run in (0, 1))
    assert act(first, "glide")["velocity"].values.tobytes() == second["velocity"].values.tobytes()
    assert act(first, "glide")["velocity"].values.tobytes() != first["velocity"].values.tobytes()


def test_one_process_and_two_store_the_same_bits(tmp_path: Path) -> None:
    stores = [build(recipe(), tmp_path / f"{n}.zarr", workers=n).path for n in (1, 2)]
    one, two = (open_dataset(path).load() for path in stores)
    assert all(one[name].values.tobytes() == two[name].values.tobytes() for name in one)


def test_it_has_a_rounding_floor(dataset: xr.Dataset) -> None:
    """Six steps in double precision, each plume simulated where it stands: nearly all of it is below float32."""
    floor = rounding_floor(dataset)
    assert floor["element"].values.tolist() == ["glide"]
    assert float(floor["mae"].max()) < 1e-7 < float(floor["magnitude"].sel(variable="velocity").max())


def test_a_model_is_measured_with_it(dataset: xr.Dataset) -> None:
    velocity = dataset["velocity"]
    assert model_error(lambda u: u * (u**2).sum(axis=-3, keepdims=True), dataset, "glide").supremum == 0
    weights = np.where(np.arange(16) < 8, 0.0, 1.0)
    error = model_error(lambda u: u * weights, dataset, "glide")
    assert list(error.by_element) == ["glide"]
    assert error.l1 == pytest.approx(float(np.abs(velocity).mean()))
    with pytest.raises(MeasureError, match="there is no such group"):
        model_error(lambda u: u, dataset, "slide")


def test_it_is_listed_where_phigen_lists_its_groups() -> None:
    assert phigen.symmetry.GROUPS is GROUPS
    assert GROUPS["glide"].members == ("identity", "glide")
