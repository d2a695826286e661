"""The physics: against PhiFlow's own solver, its symmetry and conservation laws, and the bits themselves."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import xarray as xr

from phigen.errors import SimulationError
from phigen.planning.plans import plan
from phigen.recipe.loading import load, parse
from phigen.simulation.program import simulate, simulate_batch
from phigen.symmetry.actions import act
from phigen.symmetry.element import Box
from phigen.symmetry.fields import SIMULATED
from phigen.symmetry.point_groups import ELEMENTS, inverse, turn
from tests.shared.requests import Scene

HALF_OPEN = ("{lower: closed, upper: open}", "{lower: open, upper: closed}")
KINDS = ("closed", "periodic", "open", *HALF_OPEN)
MIXES = [f"{{x: {x}, y: {y}}}" for x in KINDS for y in KINDS if x not in HALF_OPEN or y in ("closed", *HALF_OPEN)]


@contextmanager
def phiflow_warnings_allowed() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def same_bits(one: xr.Dataset, other: xr.Dataset) -> bool:
    return all(one[name].values.tobytes() == other[name].values.tobytes() for name in one)


@pytest.mark.slow
def test_sixty_steps_agree_with_phiflow_and_its_conjugate_gradients(scene: Scene) -> None:
    simulation = scene(steps=60, strength=0.005)
    ours = simulate(simulation, dtype="float64")
    with phiflow_warnings_allowed():
        from tests.shared.phiflow_reference import Reference

        reference = Reference(simulation)
        for number in range(60):
            reference.step(number)
    last = ours.isel(time=-1)
    assert np.abs(last["smoke"].values - reference.smoke_values).max() < 1e-8
    x, y = reference.inner_faces
    assert np.abs(last["velocity_x"].values[:, 1:-1] - x).max() < 1e-9
    assert np.abs(last["velocity_y"].values[1:-1] - y).max() < 1e-9
    assert last["smoke"].max() > 5


@pytest.mark.parametrize("boundary", MIXES)
def test_the_projection_is_phiflows_for_every_mix_of_boundaries(boundary: str, scene: Scene) -> None:
    """One step of random motion, projected here and by PhiFlow's conjugate gradients."""
    from phigen.simulation.surroundings import physics, surroundings

    flow = physics()
    simulation = scene(cells=[10, 8], center=(5, 3), radius=2, boundary=boundary)
    domain = flow.Domain(simulation.cells, simulation.boundaries)
    rng = np.random.default_rng(0)
    with phiflow_warnings_allowed(), surroundings("double"):
        from phi import math
        from phi.math import Solve
        from phi.physics import fluid

        rest = domain.at_rest("float64")
        velocity = domain.velocity(*(rng.standard_normal(faces.shape) for faces in rest[1:]))
        solve = Solve("CG", 1e-12, 1e-12, max_iterations=5000, rank_deficiency=0)
        expected, _ = fluid.make_incompressible(velocity, (), solve)
        ours, _ = flow.project(velocity, domain)
        for axis in ("x", "y"):
            one, other = (v.values[{"~vector": axis}].numpy("x,y") for v in (ours, expected))
            np.testing.assert_allclose(one, other, atol=1e-8)
        assert float(math.max(abs(flow.divergence(ours).values))) < 1e-12


@pytest.mark.parametrize("boundary", MIXES)
def test_faces_are_divergence_free_and_meet_the_boundary(boundary: str, scene: Scene) -> None:
    u = simulate(scene(cells=[20, 16], center=(10, 4), radius=3, boundary=boundary, steps=20), dtype="float64")
    x, y = u["velocity_x"].values, u["velocity_y"].values
    assert np.abs(np.diff(x, axis=2) + np.diff(y, axis=1)).max() < 1e-10
    assert u["divergence"].max() < 1e-10
    simulation = scene(cells=[20, 16], center=(10, 4), radius=3, boundary=boundary)
    for faces, axis, (lower, upper) in ((x, 2, simulation.boundaries[0]), (y, 1, simulation.boundaries[1])):
        first, last = faces.take(0, axis), faces.take(-1, axis)
        assert first.any() == (lower != "closed")
        assert last.any() == (upper != "closed")
        if lower == "periodic":
            np.testing.assert_array_equal(first, last)
    assert u["velocity"].values[:, 0] == pytest.approx((x[..., 1:] + x[..., :-1]) / 2, abs=1e-15)
    assert np.abs(u["velocity"].values).max() > 0.1


def test_smoke_is_added_in_the_cells_whose_centre_the_inflow_holds(scene: Scene) -> None:
    first = simulate(scene(steps=1))["smoke"].isel(time=0)
    distance = np.hypot(first["x"] - 32, first["y"] - 5)
    np.testing.assert_array_equal(first.values, (distance.transpose("y", "x") <= 5).astype(np.float32))
    assert first.values.sum() == 80


def test_a_disc_at_the_seam_of_a_periodic_box_goes_on_at_the_other_side(scene: Scene) -> None:
    """A shifted scene is the shift of the scene."""
    middle = simulate(scene(cells=16, boundary="periodic", center=(8, 8), radius=3, steps=6), dtype="float64")
    seam = simulate(scene(cells=16, boundary="periodic", center=(0, 8), radius=3, steps=6), dtype="float64")
    np.testing.assert_allclose(np.roll(seam["smoke"], 8, axis=-1), middle["smoke"], atol=1e-12)
    assert middle["smoke"].max() > 1


def test_heavy_smoke_at_rest_is_no_failed_solve(scene: Scene) -> None:
    """The projection takes a large lift away again, and leaves the rounding of the lift."""
    resting = "{x: periodic, y: closed}"
    u = simulate(scene(cells=[16, 32], boundary=resting, center=(8, 8), radius=40, strength=100, steps=40))
    assert np.isfinite(u["divergence"]).all()


def test_single_precision_can_be_had_as_float64(scene: Scene) -> None:
    u = simulate(scene(steps=2, precision="single"), dtype="float64")
    assert u["smoke"].dtype == "float64"
    assert u["smoke"].equals(simulate(scene(steps=2, precision="single"))["smoke"].astype("float64"))


def test_several_inflows_add_up() -> None:
    recipe = parse(
        """\
name: two
version: 1.0.0
grid: {cells: 16}
time: {steps: 1}
scene:
  inflows: [{center: [5, 5], radius: 2, rate: 0.5}, {center: [6, 5], radius: 2, rate: 0.25}]
  buoyancy: {strength: 0.1}
"""
    )
    smoke = simulate(plan(recipe).runs[0].simulation)["smoke"].values[0]
    assert set(np.unique(smoke)) == {0, 0.25, 0.5, 0.75}


def test_strong_plumes_keep_smoke_positive_and_velocity_divergence_free(scene: Scene) -> None:
    u = simulate(scene(steps=310, strength=0.36))
    assert u["smoke"].min() >= 0
    assert u["divergence"].max() < 1e-10
    assert u["courant"].max() > 10


def test_without_buoyancy_nothing_moves_and_smoke_piles_up(scene: Scene) -> None:
    u = simulate(scene(steps=7, strength=0))
    assert not u["velocity"].values.any()
    assert u["smoke"].isel(time=-1).max() == 7


@pytest.mark.parametrize("element", ["rotate90", "rotate180", "rotate270"])
def test_one_step_of_a_transformed_scene_is_the_transformed_step_to_rounding(element: str, scene: Scene) -> None:
    """The solver is equivariant: simulating in the orbit's frame changes nothing but rounding."""
    g = ELEMENTS[element]  # type: ignore[index]
    there, box = scene(steps=5, center=(30, 9)), Box((64, 64))
    transformed = scene(steps=5, center=g.on_point((30, 9), box), direction=g.on_direction((0, 1)))
    ours, other = simulate(there, dtype="float64"), simulate(transformed, dtype="float64")
    back = turn(other[list(SIMULATED)], inverse(g.name))
    for name in SIMULATED:
        np.testing.assert_allclose(back[name], ours[name], atol=1e-13)


def test_the_frames_kept_are_those_of_a_run_that_keeps_all(scene: Scene) -> None:
    every = simulate(scene(steps=12))
    some = simulate(scene(steps=12, frames="first: 2, last: 10, every: 4"))
    assert some["time"].values.tolist() == [2, 6, 10]
    assert same_bits(some[list(SIMULATED)], every[list(SIMULATED)].sel(time=[2, 6, 10]))
    np.testing.assert_array_equal(some["courant"][1], every["courant"].sel(time=slice(3, 6)).max())
    one = simulate(scene(steps=12, frames="first: 6, last: 6"))
    assert same_bits(one[list(SIMULATED)], every[list(SIMULATED)].sel(time=[6]))


def test_bits_do_not_depend_on_the_batch(scene: Scene) -> None:
    runs = [scene(steps=20, strength=strength) for strength in (0.02, 0.05, 0.3)]
    alone = [simulate(run) for run in runs]
    for batch in (runs, runs[::-1], runs[:2]):
        for run, fields in zip(batch, simulate_batch(batch), strict=True):
            assert same_bits(fields, alone[runs.index(run)])


def test_bits_do_not_depend_on_which_fields_are_wanted(scene: Scene) -> None:
    whole = simulate(scene(steps=20))
    for fields in (["smoke"], ["velocity"], ["pressure", "velocity_x"]):
        some = simulate(scene(steps=20), fields=fields)
        assert set(some) == {*fields, "divergence", "courant", "buoyancy"}
        assert same_bits(some, whole)


def test_a_batch_of_unlike_runs_is_refused(scene: Scene) -> None:
    with pytest.raises(ValueError, match="one shape, got 2"):
        simulate_batch([scene(steps=2), scene(steps=3)])


BITS = """
import hashlib, sys
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.simulation.program import simulate
u = simulate(plan(parse({recipe!r})).runs[0].simulation)
print(hashlib.sha256(b"".join(u[name].values.tobytes() for name in u)).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("cells", [64, 300])
def test_bits_do_not_depend_on_the_number_of_threads(cells: int, precision: str) -> None:
    """XLA's pool of threads, and the pieces it cuts work into, are as large as it thinks the machine is."""
    recipe = f"""\
name: threads
version: 1.0.0
grid: {{cells: {cells}}}
time: {{steps: 8}}
scene: {{inflows: [{{center: [32, 30], radius: 20}}], buoyancy: {{strength: 0.1}}}}
precision: {precision}
"""
    digests = set()
    for threads in ("1", "2", "16"):
        script = BITS.format(recipe=recipe)
        environment = os.environ | {"PJRT_NPROC": threads, "JAX_ENABLE_COMPILATION_CACHE": "false"}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_single_precision_follows_double_for_a_while(scene: Scene) -> None:
    double, single = (simulate(scene(steps=10, precision=p)) for p in ("double", "single"))
    assert np.abs(double["smoke"] - single["smoke"]).max() < 1e-3
    assert hashlib.sha256(double["smoke"].values).digest() != hashlib.sha256(single["smoke"].values).digest()


@pytest.mark.slow
def test_the_symmetric_level_is_symmetric_to_the_last_bit_over_310_steps_but_not_in_the_lab() -> None:
    recipe = load("rotation")
    exact = recipe.symmetry.breaking.model_copy(update={"offsets": None, "gains": None})
    for frame in ("orbit", "lab"):
        symmetry = recipe.symmetry.model_copy(update={"breaking": exact, "reference_frame": frame})
        runs = plan(recipe.model_copy(update={"symmetry": symmetry})).runs[4:8]
        first, *others = (act(simulate(run.simulation), run.after) for run in runs)
        backs = [turn(u[list(SIMULATED)], inverse(r.element.name)) for u, r in zip(others, runs[1:], strict=True)]
        if frame == "orbit":
            assert all(same_bits(back, first[list(SIMULATED)]) for back in backs)
        else:
            floor = [float(np.abs(back["smoke"] - first["smoke"]).isel(time=-1).mean()) for back in backs]
            assert min(floor) > 0.1


@pytest.mark.parametrize("what", ["strength", "divergence"])
def test_a_flow_that_is_none_fails_and_says_when(what: str, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    if what == "strength":
        with pytest.raises(SimulationError, match=r"is not finite from frame \d+ on; lower the strength"):
            simulate(scene(steps=9, strength=1e308))
    else:
        monkeypatch.setattr("phigen.simulation.program.DIVERGENCE_BOUND", 1e-3)
        with pytest.raises(SimulationError, match=r"divergence reaches .* the pressure solve has failed"):
            simulate(scene(steps=9))


HYGIENE = """
import os, sys
before = dict(os.environ)
import phigen
assert not {"jax", "phi", "xarray", "dask", "distributed"} & set(sys.modules), "imported at once"
phigen.load, phigen.plan, phigen.simulate, phigen.build, phigen.measure, phigen.open, phigen.turn, phigen.preview
import jax, numpy
assert not jax.config.jax_enable_x64
from phigen.planning.plans import plan
run = plan(phigen.load("rotation_eq3")).runs[0]
phigen.simulate(run.simulation)
assert not jax.config.jax_enable_x64 and jax.numpy.zeros(1).dtype == "float32"
assert jax.jit(lambda x: x + 1)(jax.numpy.ones(1)).dtype == "float32"
from phiml import backend
assert backend.get_precision() == 32 and backend.default_backend().name == "numpy"
assert dict(os.environ) == before, "environment"
jax.config.update("jax_enable_x64", True)
phigen.simulate(run.simulation)
assert jax.config.jax_enable_x64
"""


def test_neither_import_nor_simulation_changes_the_users_process() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", HYGIENE], check=True)
