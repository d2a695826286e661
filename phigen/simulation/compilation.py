"""The compiled program: PhiFlow's operators traced once, from inflows and forces to the frames that are kept.

The program is a scan over kept frames, each a loop over the steps between them, mapped over runs one after the
other (`lax.map`, not `vmap`), so that no run's bits depend on the others of its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from phigen.planning.runs import Simulation
from phigen.recipe.grid import Boundaries
from phigen.simulation import kept_programs, masks
from phigen.simulation.surroundings import BITS, Precision, on_the_cpu, physics, surroundings, xla_options
from phigen.symmetry.point_groups import ElementName

if TYPE_CHECKING:
    from jax import Array
    from numpy.typing import NDArray

    from phigen.simulation.domain import State


class Shape(NamedTuple):
    """What a program is compiled for; everything else is an argument of it."""

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

    @classmethod
    def of(cls, simulation: Simulation, *, fields: Sequence[str], dtype: str) -> Shape:
        """Return the shape of one run, of which certain fields are wanted, rounded to a dtype."""
        s = simulation
        return cls(
            cells=s.cells,
            boundaries=s.boundaries,
            areas=len(s.areas),
            symmetric=s.symmetric,
            resampled=s.resampled,
            precision=s.precision,
            steps=s.steps,
            frames=len(s.frames),
            fields=tuple(fields),
            dtype=dtype if s.precision == "double" else "float32",
        )


class Inputs(NamedTuple):
    """The program's arguments, for one run; in a batch with the runs along the first axis."""

    inflow: Any
    """Smoke added per step, (nx, ny)."""
    masks: Any
    """1 in the cells of each area, (area, nx, ny)."""
    force: Any
    """Buoyancy (x, y) per unit smoke, (step, area or 1, 2)."""
    unit: Any
    """What the kept velocity is divided by, ()."""
    dt_smoke: Any
    dt_velocity: Any
    counts: Any
    """Steps that lead to each kept frame from the one before, (frame,)."""


class Health(NamedTuple):
    """The largest values over the steps since the frame before, (frame,)."""

    divergence: Any
    courant: Any
    peak: Any
    """Smoke in a cell."""


class Outputs(NamedTuple):
    """What the program computes: the wanted fields by name, (frame, ...), and its health."""

    fields: dict[str, Any]
    health: Health


class _Flow(NamedTuple):
    """The flow after a number of steps."""

    steps: Array
    state: State
    pressure: Array


Arguments = tuple[tuple[tuple[int, ...], str], ...]
"""Shape and dtype of each of a program's arguments."""


def run(simulations: Sequence[Simulation], shape: Shape) -> list[Outputs]:
    """Return what the compiled program computes for runs of one shape, as numpy arrays.

    The process must compile for the right instruction set: `instruction_set.is_set_here`.
    """
    inputs = _inputs(simulations, shape)
    with on_the_cpu(shape.precision):
        computed, healths = _program(shape, _arguments(inputs))(*inputs)
        fields = {name: np.asarray(computed[name], shape.dtype) for name in shape.fields}
        health = [np.asarray(values, shape.dtype) for values in healths]
    return [
        Outputs({name: values[i] for name, values in fields.items()}, Health(*(values[i] for values in health)))
        for i in range(len(simulations))
    ]


def prepare(simulation: Simulation, shape: Shape) -> None:
    """Compile the program that a simulation will run, so that the first one need not wait for it."""
    with on_the_cpu(shape.precision):
        _program(shape, _arguments(_inputs([simulation], shape)))


def _arguments(inputs: Inputs) -> Arguments:
    return tuple((values.shape, values.dtype.name) for values in inputs)


def _inputs(simulations: Sequence[Simulation], shape: Shape) -> Inputs:
    """Return the program's arguments, with the runs along the first axis."""
    dtype, where = np.dtype(f"float{BITS[shape.precision]}"), (shape.cells, shape.boundaries)

    def of_each(value: Callable[[Simulation], Any]) -> NDArray[Any]:
        return np.asarray([value(simulation) for simulation in simulations], dtype)

    return Inputs(
        inflow=of_each(lambda s: masks.inflow_smoke(*where, s.inflows)),
        masks=of_each(lambda s: [masks.area(*where, edges) for edges in s.areas]),
        force=of_each(lambda s: s.force),
        unit=of_each(lambda s: s.unit),
        dt_smoke=of_each(lambda s: s.dt_smoke),
        dt_velocity=of_each(lambda s: s.dt_velocity),
        counts=np.asarray([_steps_to_each_frame(s.frames) for s in simulations], np.int32),
    )


def _steps_to_each_frame(frames: range) -> list[int]:
    """Return how many steps lead from each kept frame to the next, the first one from rest."""
    return [frames[0] + 1] + [frames.step] * (len(frames) - 1)


@lru_cache(maxsize=8)
def _program(shape: Shape, arguments: Arguments) -> Callable[..., tuple[dict[str, Any], tuple[Any, ...]]]:
    """Return the compiled simulation of runs of one shape, one run after another: fields by name, and health.

    The kept program and one that was traced just now go the same way, so that both give the same bits.
    """
    import jax
    from jax import export

    with kept_programs.compiled_code_kept():
        kept = kept_programs.kept_or_traced((shape, arguments), lambda: _traced(shape, arguments))
        exported = export.deserialize(bytearray(kept))
        lowered = jax.jit(exported.call, compiler_options=xla_options()).lower(*_zeros(arguments))
        return lowered.compile()


def _traced(shape: Shape, arguments: Arguments) -> bytes:
    """Trace the whole simulation, with PhiFlow."""
    import jax
    from jax import export, lax

    def simulated(*inputs: Array) -> tuple[dict[str, Array], tuple[Array, ...]]:
        outputs: Outputs = lax.map(partial(_one_run, shape=shape), Inputs(*inputs))
        return outputs.fields, tuple(outputs.health)

    with surroundings(shape.precision):
        return bytes(export.export(jax.jit(simulated), platforms=["cpu"])(*_zeros(arguments)).serialize())


def _zeros(arguments: Arguments) -> list[NDArray[Any]]:
    return [np.zeros(shape, dtype) for shape, dtype in arguments]


def _one_run(inputs: Inputs, *, shape: Shape) -> Outputs:
    """Simulate one run, in what jax traces.

    The loop between frames has a length that the compiler does not know, so that it is the same code however
    many steps there are: unrolled or inlined it could round differently.
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    flow_step = physics()
    domain = flow_step.Domain(shape.cells, shape.boundaries)
    working = f"float{BITS[shape.precision]}"
    reach = jnp.maximum(inputs.dt_smoke, inputs.dt_velocity)

    def one_step(_: Any, carry: tuple[_Flow, Health]) -> tuple[_Flow, Health]:
        flow, health = carry
        force = inputs.force[flow.steps]
        state, pressure = flow_step.step(
            flow.state,
            domain,
            inflow=inputs.inflow,
            force=jnp.einsum("rxy,rc->cxy", inputs.masks, force) if shape.areas else force[0],
            dt_smoke=inputs.dt_smoke,
            dt_velocity=inputs.dt_velocity,
        )
        state, pressure = flow_step.symmetrize(state, pressure, domain, shape.symmetric)
        speed = jnp.maximum(jnp.abs(state.velocity_x).max(), jnp.abs(state.velocity_y).max())
        divergence = jnp.abs(flow_step.divergence_of(state, domain)).max()
        now = Health(divergence=divergence, courant=speed * reach, peak=jnp.abs(state.smoke).max())
        return _Flow(flow.steps + 1, state, pressure), Health(*map(jnp.maximum, health, now))

    def one_frame(flow: _Flow, count: Array) -> tuple[_Flow, Outputs]:
        zero = jnp.zeros((), working)
        flow, health = lax.fori_loop(0, count, one_step, (flow, Health(zero, zero, zero)))
        fields = flow_step.finished(flow.state, flow.pressure, domain, unit=inputs.unit, cells=shape.resampled)
        kept = Outputs({name: fields[name] for name in shape.fields}, health)
        return flow, jax.tree.map(lambda values: values.astype(shape.dtype), kept)

    rest = _Flow(jnp.zeros((), jnp.int32), domain.at_rest(working), jnp.zeros(shape.cells, working))
    frames: Outputs = lax.scan(one_frame, rest, inputs.counts)[1]
    return frames
