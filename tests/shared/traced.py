"""phigen's program, traced with a backend of PhiML's that a test or a benchmark chooses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from unittest import mock

from phigen.planning.runs import Simulation
from phigen.simulation import compilation
from phigen.simulation.compilation import Outputs, Shape
from phigen.simulation.surroundings import physics, surroundings, xla_options


def traced_with(
    backend: AbstractContextManager[Any], simulation: Simulation, *, fields: tuple[str, ...], dtype: str = "float32"
) -> Callable[[], Outputs]:
    """Return a function that runs a program of its own, which is compiled when it is first called."""
    import jax
    from jax import lax

    physics()
    shape = Shape.of(simulation, fields=fields, dtype=dtype)
    one_run = partial(compilation._one_run, shape=shape)
    program = jax.jit(lambda inputs: lax.map(one_run, inputs), compiler_options=xla_options())

    def run() -> Outputs:
        chosen = mock.patch("phigen.simulation.sampling.backend", return_value=backend)
        with surroundings(shape.precision), chosen:
            outputs: Outputs = jax.device_get(program(compilation._inputs([simulation], shape)))
        return outputs

    return run
