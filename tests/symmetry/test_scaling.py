"""Resampling keeps means, constants and freedom from divergence; rescaling there and back changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from phigen.measurement.data_error import measure
from phigen.measurement.in_memory_runs import rehearse, simulator
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.simulation.program import simulate
from phigen.symmetry.actions import act
from phigen.symmetry.element import MOST_CELLS, Box
from phigen.symmetry.fields import SIMULATED
from phigen.symmetry.resampling import cell_means, cell_values, face_values
from phigen.symmetry.scaling import Scale, rescale
from tests.shared.requests import Scene

sizes = st.integers(1, 40)
numbers = st.floats(-1e3, 1e3, width=32)
factors = st.sampled_from([1.0, 1.5, 2.0, 2.25, 3.0])


def recipe(symmetry: str, *, steps: int = 12, cells: int = 16, inflow: str = "center: [7, 4], radius: 2.5") -> Recipe:
    return parse(
        f"""\
name: scaled
version: 1.0.0
grid: {{cells: {cells}}}
time: {{steps: {steps}, dt_velocity: 0.5}}
scene:
  inflows: [{{{inflow}}}]
  buoyancy: {{strength: 0.1}}
symmetry: {{group: scaling, {symmetry}}}
store: [smoke, velocity, faces, pressure]
"""
    )


def orbit_of(one: Recipe) -> xr.Dataset:
    planned = plan(one)
    return rehearse(planned, planned.runs, simulator(planned, SIMULATED))


@given(sizes, sizes)
def test_a_coarse_cell_is_a_mean_of_fine_ones(fine: int, coarse: int) -> None:
    weights = cell_means(fine, coarse)
    assert weights.shape == (coarse, fine)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=0), coarse / fine, rtol=1e-12)


@given(sizes, st.data())
def test_resampling_keeps_the_mean_over_the_box(coarse: int, data: st.DataObject) -> None:
    values = data.draw(hnp.arrays(np.float64, data.draw(sizes), elements=numbers))
    scale = 1e-12 * max(1.0, float(np.abs(values).max()))
    assert (cell_means(len(values), coarse) @ values).mean() == pytest.approx(values.mean(), abs=scale)


@given(sizes)
def test_resampling_to_the_same_grid_is_the_identity(n: int) -> None:
    for matrix, size in ((cell_means(n, n), n), (cell_values(n, n), n), (face_values(n, n), n + 1)):
        np.testing.assert_array_equal(matrix, np.eye(size))


@given(sizes, sizes)
def test_resampling_keeps_a_constant_and_faces_keep_a_line(one: int, other: int) -> None:
    for matrix in (cell_means(one, other), cell_values(one, other), face_values(one, other)):
        np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-12)
    line = np.arange(one + 1) / one
    np.testing.assert_allclose(face_values(one, other) @ line, np.arange(other + 1) / other, atol=1e-12)


def test_hand_drawn_means_of_three_cells_over_two() -> None:
    """The middle cell of three lies half in each of two; the face between two is half way between faces 1 and 2."""
    np.testing.assert_allclose(cell_means(3, 2) @ [1, 2, 6], [(1 + 0.5 * 2) / 1.5, (6 + 0.5 * 2) / 1.5])
    np.testing.assert_allclose(face_values(3, 2) @ [0, 1, 3, 9], [0, 2, 9])
    np.testing.assert_allclose(cell_values(2, 4) @ [1, 3], [1, 1.5, 2.5, 3])


@given(st.sampled_from([(12, 8), (11, 8), (16, 8), (9, 9), (15, 4)]), st.integers(0, 99))
def test_faces_without_divergence_are_resampled_to_faces_without(cells: tuple[int, int], seed: int) -> None:
    """Faces from a random stream function, whose divergence is zero; the flux through each wall stays as it was."""
    fine, coarse = cells
    stream = np.random.default_rng(seed).standard_normal((fine + 1, fine + 1))
    x, y = np.diff(stream, axis=1), -np.diff(stream, axis=0)
    means, faces = cell_means(fine, coarse), face_values(fine, coarse)
    x, y = faces @ x @ means.T, means @ y @ faces.T
    assert np.abs(np.diff(x, axis=0) + np.diff(y, axis=1)).max() < 1e-13 * fine
    assert x[0].mean() * fine == pytest.approx(stream[0, -1] - stream[0, 0], abs=1e-12)
    assert np.abs(x).max() > 0.01


def test_the_simulations_own_resampling_is_that_of_the_matrices(scene: Scene) -> None:
    from phigen.simulation.surroundings import physics, surroundings

    flow = physics()
    u = simulate(scene(cells=[20, 18], center=(10, 4), radius=3, steps=12), dtype="float64").isel(time=-1)
    with surroundings("double"):
        fine = [u[name].values.T for name in ("smoke", "velocity_x", "velocity_y", "pressure")]
        smoke, x, y, pressure = map(np.asarray, flow.coarsened(*map(flow.jnp.asarray, fine), (8, 9)))
    assert [values.shape for values in (smoke, x, y)] == [(8, 9), (9, 9), (8, 10)]
    np.testing.assert_allclose(pressure, cell_means(20, 8) @ fine[3] @ cell_means(18, 9).T, atol=1e-14)
    np.testing.assert_allclose(smoke, cell_means(20, 8) @ fine[0] @ cell_means(18, 9).T, atol=1e-14)
    np.testing.assert_allclose(x, face_values(20, 8) @ fine[1] @ cell_means(18, 9).T, atol=1e-14)
    divergence = np.diff(x, axis=0) / (20 / 8) + np.diff(y, axis=1) / (18 / 9)
    assert np.abs(divergence).max() < 1e-13
    assert np.abs(x).max() > 0.05
    assert smoke.mean() == pytest.approx(fine[0].mean(), rel=1e-13)


def test_stored_faces_of_resampled_runs_are_free_of_divergence_and_meet_the_walls() -> None:
    u = orbit_of(recipe("scaling_method: resampled, factors: [1, 1.5, 2.3, 3], non_integer: truncate"))
    assert dict(u["smoke"].isel(run=0).sizes) == {"time": 12, "y": 16, "x": 16}
    x, y = u["velocity_x"].astype("float64").values, u["velocity_y"].astype("float64").values
    rounding = 4 * np.finfo("float32").eps * np.abs(u["velocity"]).max().item()
    assert np.abs(np.diff(x, axis=-1) + np.diff(y, axis=-2)).max() < rounding
    assert not x[..., [0, -1]].any()
    assert not y[..., [0, -1], :].any()
    assert (np.abs(u["velocity"]).max(("time", "component", "y", "x")) > 0.1).all()


def test_centred_velocity_of_resampled_runs_is_the_mean_of_their_faces() -> None:
    u = orbit_of(recipe("scaling_method: resampled, factors: [1, 2]"))
    x, y = u["velocity_x"].values, u["velocity_y"].values
    np.testing.assert_allclose(u["velocity"].values[:, :, 0], (x[..., 1:] + x[..., :-1]) / 2, atol=1e-7)
    np.testing.assert_allclose(u["velocity"].values[:, :, 1], (y[..., 1:, :] + y[..., :-1, :]) / 2, atol=1e-7)


def test_a_run_twice_as_fine_is_near_the_run_itself_at_first() -> None:
    """In the recipe's units: velocity that were not divided by the factor would be twice as large."""
    u = orbit_of(recipe("scaling_method: resampled, factors: [1, 2]", cells=32, inflow="center: [16, 8], radius: 5"))
    apart = measure(u).isel(level=0, element=0)
    relative = (apart["mae"] / apart["magnitude"]).sel(variable="velocity").values
    assert (relative < 0.1).all()
    for name in ("smoke", "velocity"):
        one, other = u[name].isel(time=slice(0, 6)).values.reshape(2, -1)
        assert np.corrcoef(one, other)[0, 1] > 0.98
        assert np.abs(other).sum() == pytest.approx(np.abs(one).sum(), rel=0.03)


def test_the_scaled_scene_is_as_much_larger_and_stronger() -> None:
    first, run = plan(recipe("scaling_method: resampled, factors: [1, 2.5]")).runs
    assert (first.simulation.cells, run.simulation.cells) == ((16, 16), (40, 40))
    (one,), (other,) = first.simulation.inflows, run.simulation.inflows
    assert (other.center, other.radius, other.rate) == ((17.5, 10), 6.25, one.rate)
    assert run.simulation.force[0][0] == pytest.approx((0, 0.25))
    assert run.simulation.unit == 2.5
    assert (run.simulation.resampled, first.simulation.resampled) == ((16, 16), None)


def test_rescaled_cells_and_steps_make_other_steps_on_the_same_grid() -> None:
    _, run = plan(recipe("scaling_method: rescaled, factors: [1, 2], reference_frame: lab")).runs
    assert run.simulation.cells == (16, 16)
    assert (run.simulation.dt_smoke, run.simulation.dt_velocity) == (4, 2)
    assert run.simulation.force[0][0] == pytest.approx((0, 0.1 / 4))
    assert run.simulation.unit == 0.5
    assert run.strength == pytest.approx(0.1 / 2)


@pytest.mark.parametrize("exponent", [0, 1, 2, 0.5])
def test_the_lab_and_the_orbits_frame_agree_to_rounding_over_a_few_steps(exponent: float) -> None:
    """Rescaling before or after a simulation is the same."""
    said = f"scaling_method: rescaled, factors: [1, 1.7, 0.6], time_exponent: {exponent}"
    orbit, lab = (orbit_of(recipe(f"{said}, reference_frame: {frame}", steps=6)) for frame in ("orbit", "lab"))
    for name in ("smoke", "velocity", "velocity_x", "velocity_y", "pressure"):
        largest = float(np.abs(orbit[name]).max())
        np.testing.assert_allclose(lab[name], orbit[name], rtol=0, atol=1e-6 * largest)
    assert measure(lab)["mae"].max() < 1e-5
    frames = (plan(recipe(f"{said}, reference_frame: {frame}")).runs for frame in ("orbit", "lab"))
    for one, other in zip(*frames, strict=True):
        pull = act(simulate(one.simulation), one.after)["buoyancy"]
        np.testing.assert_allclose(simulate(other.simulation)["buoyancy"], pull, rtol=1e-12)
        np.testing.assert_allclose(pull[0], [0, one.strength], rtol=1e-12)
    assert exponent == 1 or not np.allclose(orbit["velocity"][0], orbit["velocity"][1])


def test_a_resampled_run_is_described_in_the_cells_that_it_is_stored_in() -> None:
    planned = plan(recipe("scaling_method: resampled, factors: [1, 2.5]"))
    first, scaled = planned.runs
    assert scaled.simulation.cells == (40, 40)
    assert scaled.inflows == first.inflows
    assert scaled.simulation.inflows[0].radius == 2.5 * first.inflows[0].radius
    assert scaled.strength == first.strength
    np.testing.assert_allclose(simulate(scaled.simulation)["buoyancy"][0], [0, scaled.strength], rtol=1e-12)


def there_and_back(field: xr.DataArray, scale: Scale) -> np.ndarray:
    width, height = (field.sizes.get(dim) or field.sizes[f"{dim}_face"] - 1 for dim in ("x", "y"))
    ((_, after),) = scale.resampling(field.to_dataset(), Box((width, height)))
    return after


def fields(values: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {
            "smoke": (("time", "y", "x"), values[None]),
            "velocity": (("time", "component", "y", "x"), np.stack([values, -values])[None]),
            "pressure": (("time", "y", "x"), values[None]),
            "buoyancy": (("time", "component"), values[:1, :2]),
        }
    )


arrays = hnp.arrays(
    np.float32, (3, 4), elements=st.floats(-1e3, 1e3, width=32).filter(lambda v: v == 0 or abs(v) > 1e-3)
)


@given(arrays, st.integers(-8, 8))
def test_rescaling_there_and_back_gives_every_bit_back_for_powers_of_two(values: np.ndarray, power: int) -> None:
    u = fields(values)
    scale = Scale(2.0**power, "rescaled", 2.0)
    back = rescale(rescale(u, scale), scale.inverse)
    assert all(back[name].values.tobytes() == u[name].values.tobytes() for name in u)


@given(arrays, st.floats(0.1, 10), st.sampled_from([0.0, 1.0, 2.0]))
def test_rescaling_follows_the_units(values: np.ndarray, factor: float, exponent: float) -> None:
    """Velocity is length over time, and pressure, whose gradient is a velocity, length squared over time."""
    u, scale = fields(values), Scale(factor, "rescaled", exponent)
    there, speed = rescale(u, scale), factor ** (1 - exponent)
    assert there["smoke"].equals(u["smoke"])
    for name, by in (("velocity", speed), ("buoyancy", speed), ("pressure", factor * speed)):
        np.testing.assert_allclose(there[name], u[name].values.astype("float64") * by, rtol=1e-6)
        assert there[name].dtype == u[name].dtype
        np.testing.assert_allclose(rescale(there, scale.inverse)[name], u[name], rtol=1e-6)


@given(st.floats(-1e3, 1e3, width=32), factors)
def test_resampling_a_constant_there_and_back_changes_nothing(value: float, factor: float) -> None:
    for dims in (("time", "y", "x"), ("time", "y", "x_face"), ("time", "y_face", "x")):
        shape = [1, *(5 if dim.endswith("face") else 4 for dim in dims[1:])]
        field = xr.DataArray(np.full(shape, value), dims=dims, name="smoke")
        np.testing.assert_allclose(there_and_back(field, Scale(factor, "resampled")), value, rtol=1e-12)


def test_resampling_there_and_back_smooths_a_spot_and_keeps_its_mean_away_from_walls() -> None:
    spot = xr.DataArray(np.zeros((1, 9, 9)), dims=("time", "y", "x"), name="smoke")
    spot[0, 4, 4] = 1
    back = there_and_back(spot, Scale(2.0, "resampled"))
    assert back.sum() == pytest.approx(1)
    assert 0 < back[0, 4, 4] < 1
    np.testing.assert_allclose(back[0], back[0].T, atol=1e-15)
    assert there_and_back(spot, Scale(1.0, "resampled")).tobytes() == spot.values.tobytes()


@given(arrays, st.floats(0.1, 10), st.sampled_from([0.0, 1.0, 2.0]))
def test_rescaling_a_field_there_and_back_is_rounding(values: np.ndarray, factor: float, exponent: float) -> None:
    u = fields(values)
    scale = Scale(factor, "rescaled", exponent)
    for name in ("smoke", "velocity", "pressure"):
        np.testing.assert_allclose(there_and_back(u[name], scale), u[name], rtol=1e-6)


@given(st.integers(1, 9999).map(lambda n: n / 100), st.sampled_from(["resampled", "rescaled"]), st.floats(0, 3))
def test_a_name_says_which_scaling_it_is(factor: float, method: str, exponent: float) -> None:
    scale = Scale(factor, method, exponent)  # type: ignore[arg-type]
    assert Scale.named(scale.name, method, exponent) == scale  # type: ignore[arg-type]
    assert (scale.name == "identity") == (factor == 1)
    assert scale.stored_speed == pytest.approx(factor ** (1 - exponent) if method == "rescaled" else 1)


def test_what_names_no_scaling_is_refused() -> None:
    for name in ("rotate90", "shift(1, 2)", "scale(1, 2)", ""):
        with pytest.raises(ValueError, match=r"names no scaling; write it as scale\(1\.5\)"):
            Scale.named(name, "resampled", 0)


@given(st.integers(10, 400), st.integers(4, 200))
def test_tenths_of_cells_are_floored_and_never_rounded_away(tenths: int, cells: int) -> None:
    """64 * 2.3 is 147.2 in decimal notation and less in binary; 10 * 1.1 is 11, and no cell is lost."""
    scale = Scale(tenths / 10, "resampled")
    assert scale.simulated_cells((cells, cells)) == (cells * tenths // 10,) * 2
    fits = scale.misfit(Box((cells, cells)), non_integer="error") is None
    assert fits == (cells * tenths % 10 == 0 and cells * tenths // 10 <= MOST_CELLS)
    assert Scale(tenths / 10, "rescaled", 2.0).simulated_cells((cells, cells)) == (cells, cells)


def test_the_measure_states_what_resampling_alone_does() -> None:
    errors = measure(orbit_of(recipe("scaling_method: resampled, factors: [1, 2]"))).isel(level=0, element=0)
    resampling = errors["resampling"].sel(variable="velocity")
    assert (resampling > 0).all()
    assert (resampling < errors["magnitude"].sel(variable="velocity")).all()
