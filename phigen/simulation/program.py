"""From a Simulation to its fields: run the compiled program, name what it computes, and check that it is a flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import SimulationError
from phigen.planning.runs import Simulation
from phigen.simulation import compilation, instruction_set, separate_process
from phigen.simulation.compilation import Health, Outputs, Shape
from phigen.simulation.surroundings import BITS, has_cpu
from phigen.symmetry.fields import FIELDS, SIMULATED, coordinates

if TYPE_CHECKING:
    import xarray as xr

DIVERGENCE_BOUND = 1e4
"""Largest divergence of a valid run, in units of the rounding of its speed before the projection.  The exact projection
leaves about 30 of them; a solver that has failed leaves far more."""


def simulate(simulation: Simulation, *, fields: Sequence[str] = SIMULATED, dtype: str = "float32") -> xr.Dataset:
    """Simulate one run, on the CPU.

    The values are the same on every x86-64 processor, with one version of jaxlib: XLA compiles for AVX2 in this
    process, or, if jax has been used here with another setting, in one of phigen's own.

    Parameters
    ----------
    simulation : Simulation
        All that the run depends on, such as ``plan(recipe).runs[0].simulation``.
    fields : sequence of str
        The wanted ones; no field's bits depend on which others are wanted.
    dtype : str
        Of the fields, which are rounded to it after the simulation: ``float32`` as in a store, or ``float64``.

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

    Each run has the same bits as when it is simulated alone.  On a CPU a batch is no faster, and takes more memory.

    Raises
    ------
    ValueError
        If the runs differ in shape.
    SimulationError
        As for `simulate`.
    """
    shapes = {Shape.of(simulation, fields=fields, dtype=dtype) for simulation in simulations}
    if len(shapes) != 1:
        raise ValueError(f"a batch has runs of one shape, got {len(shapes)}; simulate them separately")
    instruction_set.warn_of_another()
    run = compilation.run if _is_here() else separate_process.run
    return [
        _dataset(simulation, outputs, dtype)
        for simulation, outputs in zip(simulations, run(simulations, shapes.pop()), strict=True)
    ]


def prepare(simulation: Simulation, *, fields: Sequence[str] = SIMULATED, dtype: str = "float32") -> None:
    """Compile what a simulation needs in this process, if simulations run here."""
    if _is_here():
        compilation.prepare(simulation, Shape.of(simulation, fields=fields, dtype=dtype))


def _is_here() -> bool:
    """Return whether this process simulates itself, or asks another."""
    return instruction_set.is_set_here() and has_cpu()


def _dataset(simulation: Simulation, outputs: Outputs, dtype: str) -> xr.Dataset:
    """Return the program's outputs with dims and coordinates, after a check that they are a flow."""
    import xarray as xr

    health = Health(*(np.asarray(values, dtype) for values in outputs.health))
    _refuse_not_finite(health, simulation.frames)
    _refuse_divergent(health, simulation)
    force = simulation.force[simulation.frames.start :: simulation.frames.step] / simulation.unit
    by_region = ("time", "region", "component")
    return xr.Dataset(
        {name: (FIELDS[name].dims, np.asarray(values, dtype)) for name, values in outputs.fields.items()}
        | {name: (FIELDS[name].dims, getattr(health, name)) for name in ("divergence", "courant")}
        | {"buoyancy": (by_region, force) if simulation.areas else (FIELDS["buoyancy"].dims, force[:, 0])},
        coords=coordinates(simulation.stored_cells, simulation.frames),
    )


def _refuse_not_finite(health: Health, frames: range) -> None:
    """Check the largest smoke and speed alone: any cell that is not finite shows in them."""
    for name, largest in (("smoke", health.peak), ("velocity", health.courant)):
        finite = np.isfinite(largest)
        if not finite.all():
            raise SimulationError(
                f"{name} is not finite from frame {frames[int(np.argmin(finite))]} on; "
                "lower the strength, the inflow's rate or the time steps"
            )


def _refuse_divergent(health: Health, simulation: Simulation) -> None:
    """Check the divergence against the rounding of the speed before the projection, of which lift is a part."""
    rounding = float(np.finfo(f"float{BITS[simulation.precision]}").eps)
    speed = health.courant / max(simulation.dt_smoke, simulation.dt_velocity)
    lift = health.peak * np.abs(simulation.force).max()
    bound = DIVERGENCE_BOUND * rounding * np.maximum(np.maximum(speed, lift), 1.0)
    excess = health.divergence > bound
    if excess.any():
        worst = int(np.argmax(health.divergence / bound))
        raise SimulationError(
            f"divergence reaches {health.divergence[worst]:.2g} by frame {simulation.frames[worst]}, more than the "
            f"{bound[worst]:.2g} that rounding explains; the pressure solve has failed"
        )
