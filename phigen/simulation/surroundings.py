"""What a simulation needs of the process, set while it runs and restored: precision, device, and XLA's options."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Literal

Precision = Literal["double", "single"]
BITS: dict[Precision, int] = {"double": 64, "single": 32}

_ONE_AT_A_TIME = threading.RLock()

_XLA_OPTIONS: dict[str, str | bool] = {"xla_cpu_experimental_ynn_fusion_type": "", "xla_cpu_use_fusion_emitters": False}
"""How XLA compiles for a CPU.  Without the YNNPACK library, because its sums depend on the number of threads: on
grids of 300 x 300 PhiFlow's interpolation then rounds differently on two cores than on one.  And without the fusion
emitters of jaxlib 0.10, which make this program of many gathers nearly twice as slow (docs/numbers.md)."""


def has_cpu() -> bool:
    """Return whether jax may compute on the CPU in this process, which JAX_PLATFORMS can exclude."""
    import jax

    platforms: str | None = jax.config.values["jax_platforms"]
    return not platforms or "cpu" in platforms.split(",")


@lru_cache(maxsize=1)
def physics() -> ModuleType:
    """Return the module `flow_step`, imported late because it takes a second; what PhiFlow changes in jax is undone."""
    import jax

    with _x64_restored(jax), _phiflow_own_warnings():
        import_module("phi.jax")
        return import_module("phigen.simulation.flow_step")


@contextmanager
def on_the_cpu(precision: Precision) -> Iterator[None]:
    """Set jax's precision and device while a program is compiled or run, by one thread at a time."""
    import jax

    with (
        _ONE_AT_A_TIME,
        _x64_restored(jax),
        jax.enable_x64(BITS[precision] == 64),
        jax.default_device(jax.local_devices(backend="cpu")[0]),
    ):
        yield


@contextmanager
def surroundings(precision: Precision) -> Iterator[None]:
    """Set precision, backend and device while a program is traced; PhiML allows one thread at a time."""
    with _ONE_AT_A_TIME:  # what the import changes in jax would be taken for the user's setting by another thread
        physics()
    import jax
    from phi import math
    from phi.jax import JAX

    with on_the_cpu(precision), _phiflow_own_warnings(), math.precision(BITS[precision]), JAX:
        before = JAX.get_default_device()
        JAX.set_default_device(JAX.get_device_by_ref(jax.local_devices(backend="cpu")[0]))
        try:
            yield
        finally:
            JAX.set_default_device(before)


@contextmanager
def _phiflow_own_warnings() -> Iterator[None]:
    """Ignore the deprecations that PhiFlow's operators raise of each other."""
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


@lru_cache(maxsize=1)
def xla_options() -> dict[str, str | bool]:
    """Return those of XLA's options that this version of it knows, which a compilation of nothing tells."""
    return {name: value for name, value in _XLA_OPTIONS.items() if _is_known(name, value)}


def has_fusion_emitters() -> bool:
    """Return whether XLA has the fusion emitters that are switched off here, as in jaxlib 0.10."""
    return "xla_cpu_use_fusion_emitters" in xla_options()


def _is_known(option: str, value: str | bool) -> bool:
    import jax

    try:
        jax.jit(lambda x: x, compiler_options={option: value}).lower(0.0).compile()
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
        return False
    return True
