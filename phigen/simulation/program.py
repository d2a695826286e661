"""From a Simulation to its fields: PhiFlow's operators traced once into one compiled program.

The program is a scan over kept frames, each a loop over the steps between them, mapped over runs one after the
other (`lax.map`, not `vmap`), so that no run's bits depend on the others of its batch.  What it needs of the
process, it sets while it runs and puts back: jax's 64-bit switch, PhiML's precision and backend.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from phigen.errors import SimulationError
from phigen.planning.runs import Simulation
from phigen.recipe.grid import Boundaries
from phigen.symmetry.fields import FIELDS, SIMULATED, coordinates
from phigen.symmetry.point_groups import ElementName

if TYPE_CHECKING:
    import xarray as xr

Precision = Literal["double", "single"]
_BITS: dict[Precision, int] = {"double": 64, "single": 32}
_ONE_AT_A_TIME = threading.RLock()

_XLA_ON_A_CPU = {"xla_cpu_experimental_ynn_fusion_type": "", "xla_cpu_use_fusion_emitters": False}
"""How XLA compiles for a CPU.  Without the YNNPACK library, for its sums depend on the number of threads: on
grids of 300 x 300 PhiFlow's interpolation then rounds otherwise on two cores than on one.  And without the fusion
emitters, which make this program of many gathers nearly twice as slow (docs/numbers.md)."""

DIVERGENCE_BOUND = 1e4
"""Largest divergence that a sound run may have, in units of rounding of its speed before the projection.  The exact
projection leaves about 30 of them; a solver that has failed leaves far more."""


_HEALTH = ("divergence", "courant", "peak")
"""What it gives besides; peak is the most smoke in a cell since the frame before."""


class _Shape(NamedTuple):
    """What a compiled program is made for; everything else is an argument of it."""

    cells: tuple[int, int]
    boundaries: Boundaries
    areas: int
    symmetric: tuple[ElementName, ...]
    resampled: tuple[int, int] | None
    precision: Precision
    steps: int
    frames: int
    fields: tuple[str, ...]
    dtype: str


def simulate(simulation: Simulation, *, fields: Sequence[str] = SIMULATED, dtype: str = "float32") -> xr.Dataset:
    """Simulate one run.

    Parameters
    ----------
    simulation : Simulation
        All that the run depends on, such as ``plan(recipe).runs[0].simulation``.
    fields : sequence of str
        Those that are wanted; no field's bits depend on which others are.
    dtype : str
        What the fields are rounded to after the simulation, ``float32`` as in a store, or ``float64``.

    Returns
    -------
    Dataset
        For each kept frame: smoke and pressure (time, y, x), velocity (time, component, y, x) in cell centres,
        all faces velocity_x (time, y, x_face) and velocity_y (time, y_face, x), in cells per step; buoyancy
        (time, component), or (time, region, component) where areas have forces of their own; and over the steps
        that led to the frame, the largest absolute divergence and the largest Courant number, (time).

    Raises
    ------
    SimulationError
        If the flow is not finite, or is not divergence-free to rounding.
    """
    return simulate_batch([simulation], fields=fields, dtype=dtype)[0]


def simulate_batch(
    simulations: Sequence[Simulation], *, fields: Sequence[str] = SIMULATED, dtype: str = "float32"
) -> list[xr.Dataset]:
    """Simulate runs of one shape (all but inflows, time steps and the values of forces) in one compiled program.

    Each gives the same bits as it does alone.  On a CPU a batch is no faster, and takes more memory.

    Raises
    ------
    ValueError
        If the runs differ in shape.
    SimulationError
        As `simulate`.
    """
    shapes = {_shape(simulation, fields, dtype) for simulation in simulations}
    if len(shapes) != 1:
        raise ValueError(f"a batch has runs of one shape, got {len(shapes)}; simulate them apart")
    (shape,) = shapes
    flow = _physics()
    with _surroundings(shape.precision):
        inputs = _inputs(flow, simulations, shape)
        outputs = [np.asarray(output, dtype) for output in _program(shape)(*inputs)]
    return [
        _fields(simulation, dict(zip((*shape.fields, *_HEALTH), (output[i] for output in outputs), strict=True)))
        for i, simulation in enumerate(simulations)
    ]


def _shape(simulation: Simulation, fields: Sequence[str], dtype: str) -> _Shape:
    s = simulation
    kept = dtype if s.precision == "double" else "float32"
    about = (s.cells, s.boundaries, len(s.areas), s.symmetric, s.resampled, s.precision)
    return _Shape(*about, len(s.force), len(s.frames), tuple(fields), kept)


@lru_cache(maxsize=1)
def _physics() -> ModuleType:
    """Import the physics late, for it takes a second, and put back what PhiFlow changes in jax as it comes."""
    import jax

    with _x64_restored(jax), _phiflow_own_warnings():
        import phi.jax  # noqa: F401

        from phigen.simulation import flow_step as flow
    return flow


@contextmanager
def _surroundings(precision: Precision) -> Iterator[None]:
    """Set precision and backend for as long as a program is traced or run; PhiML bears one thread at a time."""
    import jax
    from phi import math
    from phi.jax import JAX

    bits = _BITS[precision]
    with (
        _ONE_AT_A_TIME,
        _x64_restored(jax),
        _phiflow_own_warnings(),
        jax.enable_x64(bits == 64),
        math.precision(bits),
        JAX,
    ):
        yield


@contextmanager
def _phiflow_own_warnings() -> Iterator[None]:
    """Pass over the deprecations that PhiFlow's operators raise of each other."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"phi(ml)?\.")
        yield


@contextmanager
def _x64_restored(jax: ModuleType) -> Iterator[None]:
    before = jax.config.read("jax_enable_x64")
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def _inputs(flow: ModuleType, simulations: Sequence[Simulation], shape: _Shape) -> list[Any]:
    """Give the program's arguments, with the runs along the first axis."""
    dtype = np.dtype(f"float{_BITS[shape.precision]}")
    domain = flow.Domain(shape.cells, shape.boundaries)
    arrays: list[Any] = [
        [flow.inflow_smoke(domain, s.inflows) for s in simulations],
        [[flow.area_mask(domain, area) for area in s.areas] for s in simulations],
        [s.force for s in simulations],
        [s.unit for s in simulations],
        [s.dt_smoke for s in simulations],
        [s.dt_velocity for s in simulations],
        [_steps_to_each_frame(s.frames) for s in simulations],
    ]
    *fields, counts = arrays
    return [np.asarray(field, dtype) for field in fields] + [np.asarray(counts, np.int32)]


def _steps_to_each_frame(frames: range) -> list[int]:
    """Give how many steps lead from each kept frame to the next, the first one from rest."""
    return [frames[0] + 1] + [frames.step] * (len(frames) - 1)


@lru_cache(maxsize=8)
def _program(shape: _Shape) -> Callable[..., tuple[Any, ...]]:
    """Trace and compile the whole simulation for one shape of run.

    The loop between frames has a length that the compiler does not know, so that it is the same code however
    many steps there are: unrolled or inlined it could round otherwise.
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    flow = _physics()
    working = f"float{_BITS[shape.precision]}"

    def run(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        inflow, masks, force, unit, dt_smoke, dt_velocity, counts = arguments
        domain = flow.Domain(shape.cells, shape.boundaries)
        reach = jnp.maximum(dt_smoke, dt_velocity)

        def one_step(_: Any, carry: tuple[Any, ...]) -> tuple[Any, ...]:
            number, state, _, divergence, courant, peak = carry
            pull = jnp.einsum("rxy,rc->cxy", masks, force[number]) if shape.areas else force[number, 0]
            state, pressure = flow.step(
                state, domain, inflow=inflow, force=pull, dt_smoke=dt_smoke, dt_velocity=dt_velocity
            )
            state, pressure = flow.symmetrize(state, pressure, domain, shape.symmetric)
            speed = jnp.maximum(jnp.abs(state.velocity_x).max(), jnp.abs(state.velocity_y).max())
            divergence = jnp.maximum(divergence, jnp.abs(flow.divergence_of(state, domain)).max())
            peak = jnp.maximum(peak, jnp.abs(state.smoke).max())
            return number + 1, state, pressure, divergence, jnp.maximum(courant, speed * reach), peak

        def one_frame(carry: tuple[Any, ...], count: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
            number, state, pressure = carry
            zero = jnp.zeros((), working)
            number, state, pressure, *health = lax.fori_loop(
                0, count, one_step, (number, state, pressure, zero, zero, zero)
            )
            smoke = state.smoke
            x, y = domain.all_faces(state)
            kept_pressure = pressure
            if shape.resampled is not None:
                smoke, x, y, kept_pressure = flow.coarsened(smoke, x, y, pressure, shape.resampled)
            x, y = x / unit, y / unit
            centred = jnp.stack([((x[1:] + x[:-1]) / 2).T, ((y[:, 1:] + y[:, :-1]) / 2).T])
            every = dict(zip(SIMULATED, (smoke.T, centred, x.T, y.T, kept_pressure.T / unit**2), strict=True))
            kept = (*(every[name] for name in shape.fields), *health)
            return (number, state, pressure), tuple(field.astype(shape.dtype) for field in kept)

        start = (jnp.zeros((), jnp.int32), domain.at_rest(working), jnp.zeros(shape.cells, working))
        frames: tuple[Any, ...] = lax.scan(one_frame, start, counts)[1]
        return frames

    options = _XLA_ON_A_CPU if jax.default_backend() == "cpu" else {}
    program: Callable[..., tuple[Any, ...]] = jax.jit(
        lambda *arguments: lax.map(run, arguments), compiler_options=options
    )
    return program


def _fields(simulation: Simulation, outputs: dict[str, Any]) -> xr.Dataset:
    """Name the program's outputs, and refuse what is not a flow."""
    import xarray as xr

    _refuse_not_finite(outputs, simulation.frames)
    _refuse_divergent(outputs["divergence"], outputs["courant"], outputs["peak"], simulation)
    del outputs["peak"]
    force = np.asarray(simulation.force)[simulation.frames.start :: simulation.frames.step] / simulation.unit
    dims = {name: FIELDS[name].dims for name in outputs}
    dims["buoyancy"] = ("time", "region", "component") if simulation.areas else FIELDS["buoyancy"].dims
    outputs["buoyancy"] = force if simulation.areas else force[:, 0]
    return xr.Dataset(
        {name: (dims[name], values) for name, values in outputs.items()},
        coords=coordinates(simulation.stored_cells, simulation.frames),
    )


def _refuse_not_finite(outputs: dict[str, Any], frames: range) -> None:
    """Look at the largest smoke and speed alone: a cell that is not finite makes them so."""
    for name, largest in (("smoke", outputs["peak"]), ("velocity", outputs["courant"])):
        sound = np.isfinite(largest)
        if not sound.all():
            raise SimulationError(
                f"{name} is not finite from frame {frames[int(np.argmin(sound))]} on; "
                "lower the strength, the inflow's rate or the time steps"
            )


def _refuse_divergent(divergence: Any, courant: Any, peak: Any, simulation: Simulation) -> None:
    """Compare with the rounding of the speed before the projection, which took the lift away again where it could."""
    rounding = float(np.finfo(f"float{_BITS[simulation.precision]}").eps)
    speed = courant / max(simulation.dt_smoke, simulation.dt_velocity)
    lift = peak * np.abs(simulation.force).max()
    bound = DIVERGENCE_BOUND * rounding * np.maximum(np.maximum(speed, lift), 1.0)
    excess = divergence > bound
    if excess.any():
        worst = int(np.argmax(divergence / bound))
        raise SimulationError(
            f"divergence reaches {divergence[worst]:.2g} by frame {simulation.frames[worst]}, more than the "
            f"{bound[worst]:.2g} that rounding explains; the pressure solve has failed"
        )
