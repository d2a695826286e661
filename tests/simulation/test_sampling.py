"""The backends that PhiFlow's operators are traced with: PhiML's own, to the last bit or to rounding."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import product
from typing import Any

import numpy as np
import pytest

from phigen.recipe.grid import Boundaries
from phigen.simulation import masks
from phigen.simulation.surroundings import Precision, physics, surroundings
from phigen.symmetry.fields import SIMULATED
from tests.shared.requests import Scene
from tests.shared.traced import traced_with

AXES = (("closed", "closed"), ("open", "open"), ("closed", "open"), ("open", "closed"), ("periodic", "periodic"))
MIXES = [(x, y) for x, y in product(AXES, repeat=2)]
TUNNELS = [(AXES[4], AXES[0]), (AXES[1], AXES[4])]
HALF_OPEN = "{x: open, y: {lower: open, upper: closed}}"
ROUNDING: dict[Precision, float] = {"double": 1e-13, "single": 1e-4}


def named(boundaries: Boundaries) -> str:
    return "-".join((*boundaries[0], *boundaries[1]))


@pytest.fixture
def sampling() -> Any:
    physics()
    from phigen.simulation import sampling

    return sampling


@pytest.fixture
def phiml() -> Any:
    physics()
    from phi.jax import JAX

    return JAX


@pytest.fixture
def new_xla(sampling: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if jaxlib had no fusion emitters, whichever is installed."""
    monkeypatch.setattr(sampling, "has_fusion_emitters", lambda: False)


def advected(boundaries: Boundaries, precision: Precision, backend: Any) -> list[np.ndarray]:
    """Return random smoke and velocity after PhiFlow's advections, by up to four cells."""
    from phi.physics import advect

    rng, dtype = np.random.default_rng(1), {"double": "float64", "single": "float32"}[precision]
    with surroundings(precision), backend:
        domain = physics().Domain((9, 7), boundaries)
        smoke, *faces = (rng.uniform(-4, 4, field.shape).astype(dtype) for field in domain.at_rest(dtype))
        velocity = domain.velocity(*faces)
        moved = advect.semi_lagrangian(velocity, velocity, 1.0).values
        carried = [advect.mac_cormack(domain.smoke(smoke), velocity, 1.0).values]
        return [np.asarray(t.native("x,y")) for t in (*carried, *(moved[{"~vector": axis}] for axis in ("x", "y")))]


@pytest.mark.parametrize(
    ("boundaries", "precision"),
    [(mix, "double") for mix in MIXES] + [((axis, axis), "single") for axis in AXES],
    ids=lambda value: value if isinstance(value, str) else named(value),
)
@pytest.mark.usefixtures("new_xla")
def test_advection_is_phiflows_for_every_mix_of_boundaries(
    boundaries: Boundaries, precision: Precision, sampling: Any, phiml: Any
) -> None:
    theirs, ours = (advected(boundaries, precision, backend) for backend in (phiml, sampling.backend(boundaries)))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING[precision])
        assert one.dtype == other.dtype
    assert np.abs(theirs[0]).max() > 1


@pytest.mark.parametrize("boundaries", TUNNELS, ids=named)
def test_with_one_periodic_axis_phiml_asks_for_samples_in_wrong_places(
    boundaries: Boundaries, sampling: Any, phiml: Any
) -> None:
    """Why such boxes are left to PhiML's own interpolation; if this fails, a newer PhiML no longer needs that."""
    theirs, asked = (advected(boundaries, "double", backend) for backend in (phiml, sampling.SamplingBackend()))
    assert np.abs(asked[0] - theirs[0]).max() > 0.1


@pytest.mark.parametrize("mode", ["zero", "boundary", "periodic"])
@pytest.mark.parametrize("batch", [1, 2])
def test_samples_of_several_fields_in_three_dimensions_are_phimls(
    mode: str, batch: int, sampling: Any, phiml: Any
) -> None:
    """More than one run at a time is left to PhiML."""
    from phi import math
    from phi.math import channel, extrapolation, instance, spatial

    beyond = getattr(extrapolation, mode.upper())
    rng = np.random.default_rng(2)
    values, places = rng.standard_normal((batch, 5, 4, 3, 2)), rng.uniform(-4, 9, (batch, 50, 3))
    found = []
    for backend in (phiml, sampling.SamplingBackend()):
        with surroundings("double"), backend:
            grid = math.tensor(values, math.batch("run"), spatial("x,y,z"), channel("field"))
            where = math.tensor(places, math.batch("run"), instance("point"), channel(vector="x,y,z"))
            found.append(math.grid_sample(grid, where, beyond).numpy("run,point,field"))
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-13)


def test_what_lies_beyond_a_grid_in_other_ways_is_left_to_phiml(sampling: Any) -> None:
    values, places = np.ones((1, 4, 4, 1)), np.ones((1, 3, 2))
    for mode in ("undefined", "symmetric", "reflect"):
        assert sampling.SamplingBackend().grid_sample(values, places, mode) is NotImplemented


@pytest.mark.parametrize("mode", ["zeros", "boundary", "periodic"])
def test_a_coordinate_that_is_no_number_reads_no_other_memory(mode: str, sampling: Any) -> None:
    import jax.numpy as jnp

    with surroundings("double"):
        far = jnp.asarray([[[np.nan, 1], [np.inf, 1], [-np.inf, 1], [1e300, 1], [-1e300, 1]]])
        values = sampling.SamplingBackend().grid_sample(jnp.ones((1, 4, 4, 1)), far, mode)[0, :, 0]
        assert np.isnan(values[:3]).all()
        assert all(value in (0, 1) for value in values[3:].tolist())


def test_the_backend_is_chosen_by_what_xla_knows_and_by_the_periodic_axes(
    sampling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, periodic = AXES[0], AXES[-1]
    for emitters, expected in ((True, (False, False, False)), (False, (True, True, False))):
        monkeypatch.setattr(sampling, "has_fusion_emitters", lambda emitters=emitters: emitters)
        chosen = [sampling.backend(mix) for mix in ((closed, closed), (periodic, periodic), (periodic, closed))]
        assert tuple(isinstance(backend, sampling.SamplingBackend) for backend in chosen) == expected


def thirty_steps(scene: Scene, backend: Any, *, sides: str, precision: Precision = "double") -> dict[str, np.ndarray]:
    """Return all fields of thirty steps, traced with a backend of PhiML's."""
    plume = scene(cells=[32, 16], center=(11, 5), radius=3, steps=30, strength=0.2, boundary=sides, precision=precision)
    fields = traced_with(backend, plume, fields=SIMULATED, dtype="float64")().fields
    assert np.abs(fields["velocity_y"]).max() > 1
    return fields


@pytest.mark.slow
@pytest.mark.parametrize("precision", ROUNDING)
@pytest.mark.parametrize("sides", ["closed", "periodic", "{x: periodic, y: closed}", HALF_OPEN])
def test_gathers_whose_indices_are_computed_once_change_no_bit(
    sides: str, precision: Precision, scene: Scene, sampling: Any
) -> None:
    theirs = thirty_steps(scene, nullcontext(), sides=sides, precision=precision)
    ours = thirty_steps(scene, sampling.GatherBackend(), sides=sides, precision=precision)
    assert {name: values.tobytes() for name, values in ours.items()} == {
        name: values.tobytes() for name, values in theirs.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("sides", ["closed", "periodic", "open", HALF_OPEN])
def test_thirty_steps_are_phimls_to_rounding(sides: str, scene: Scene, sampling: Any) -> None:
    theirs = thirty_steps(scene, nullcontext(), sides=sides)
    ours = thirty_steps(scene, sampling.SamplingBackend(), sides=sides)
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=0, atol=1e-10)


def test_a_compiled_step_is_the_eager_one_where_points_lie_on_the_grid_but_for_rounding(
    scene: Scene, sampling: Any
) -> None:
    """Where nothing moves, coordinates are integers to rounding; cell and place in it must be those of one number."""
    plume = scene(cells=[24, 20], center=(11, 5), radius=3, steps=2, strength=0.2, boundary="periodic")
    flow, backend = physics(), sampling.SamplingBackend()
    u = traced_with(backend, plume, fields=("smoke", "velocity_x", "velocity_y"), dtype="float64")().fields
    before, after = ([u[name][0, frame].T for name in ("smoke", "velocity_x", "velocity_y")] for frame in (0, 1))
    with surroundings("double"), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sampling, "backend", lambda _: nullcontext())
        domain = flow.Domain(plume.cells, plume.boundaries)
        state = flow.State(before[0], *domain.free_faces(*before[1:]))
        step = {"force": np.asarray(plume.force[1][0]), "dt_smoke": plume.dt_smoke, "dt_velocity": plume.dt_velocity}
        inflow = masks.inflow_smoke(plume.cells, plume.boundaries, plume.inflows)
        state, _ = flow.step(state, domain, inflow=inflow, **step)
        eager = [state.smoke, *domain.all_faces(state)]
    for ours, theirs in zip(after, eager, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)
