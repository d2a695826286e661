"""Models of any framework as functions of numpy arrays, and their derivatives along a direction.

A model is any callable.  A torch module receives tensors of its own type on its own device.  Any other callable is
tried with numpy arrays first, then with tensors of torch and arrays of jax, if the process has already imported these
frameworks.  No framework is imported here.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from phigen.errors import MeasureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["numpy", "torch", "jax"]
Method = Literal["jvp", "central difference"]
Derivative = Callable[["NDArray[Any]", "NDArray[Any]"], tuple["NDArray[Any]", "NDArray[Any]"]]
"""From velocities and directions to f(velocities) and its derivative along them."""

TOLERANCE = 0.3
"""Largest relative difference between a jvp and a central difference; beyond it, the jvp misses a part of the model."""


@dataclass(frozen=True)
class Model:
    """A callable, and the kind of arrays that it takes."""

    f: Callable[[Any], Any]
    takes: Kind

    @classmethod
    def of(cls, f: Callable[[Any], Any], sample: NDArray[Any]) -> Model:
        """Determine what arrays a callable takes, by calling it with a sample.

        Raises
        ------
        MeasureError
            If it fails with all of them.
        """
        if _is_module(f):
            return cls(f, "torch")
        failures = []
        kinds: tuple[Kind, ...] = ("numpy", "torch", "jax")
        for kind in kinds:
            if kind != "numpy" and kind not in sys.modules:
                continue
            model = cls(f, kind)
            try:
                result = model._raw(sample)
            except Exception as error:
                failures.append((kind, error))
                continue
            return cls(f, "jax") if _is_of_jax(result) else model
        tried = ", ".join(f"with {kind}: {type(e).__name__}, {_first_line(e)}" for kind, e in failures)
        raise MeasureError(f"f: fails on velocities of shape {sample.shape}; {tried}") from failures[-1][1]

    def __call__(self, velocities: NDArray[Any]) -> NDArray[Any]:
        """Return the model's output for velocities, as a numpy array.

        Raises
        ------
        MeasureError
            If its shape is another.
        """
        return _of_shape(self._raw(velocities), velocities)

    def _raw(self, velocities: NDArray[Any]) -> Any:
        if self.takes != "torch":
            return self.f(self._into(velocities))
        import torch

        with torch.no_grad():
            return self.f(self._into(velocities))

    def _into(self, velocities: NDArray[Any]) -> Any:
        if self.takes == "torch":
            return _tensor(velocities, self.f)
        if self.takes == "jax":
            import jax.numpy as jnp

            return jnp.asarray(velocities)
        return velocities.copy()

    def jvp(self, velocities: NDArray[Any], directions: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the output of a model of torch or jax, and its derivative along directions."""
        if self.takes == "torch":
            jvp: Callable[..., Any] = _jvp_of_torch
        else:
            from jax import jvp
        value, slope = jvp(self.f, (self._into(velocities),), (self._into(directions.astype(velocities.dtype)),))
        return _of_shape(value, velocities), _of_shape(slope, velocities)

    def central_difference(
        self, velocities: NDArray[Any], directions: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the output for velocities v, and (f(v + h d) - f(v - h d)) / 2 h for directions d.

        The step h changes each item of the first axis, relative to its root mean square, by the cube root of the
        machine epsilon of the model's type: 6e-6 in double precision, 5e-3 in single.  The error is of the order of
        the square of that.
        """
        result = self._raw(velocities)
        value = _of_shape(result, velocities)
        size, speed = _size(velocities), _size(directions)
        relative = _rounding(result, velocities) ** (1 / 3)
        step = np.where(speed > 0, relative * size / np.where(speed > 0, speed, 1), 1)
        ahead, behind = (
            self((velocities + sign * step * directions).astype(velocities.dtype)).astype(np.float64)
            for sign in (1, -1)
        )
        return value, (ahead - behind) / (2 * step)


def differentiate(model: Model, sample: NDArray[Any], direction: NDArray[Any]) -> tuple[Method, Derivative]:
    """Choose the derivative of a model, and return its name and the derivative: the jvp, or else a central difference.

    A jvp is compared with a central difference once: where a part of a model is hidden from its framework, as by detach
    or stop_gradient, the jvp is wrong and nothing says so.

    Parameters
    ----------
    model : Model
        The model to differentiate.
    sample, direction : ndarray
        Velocities and a direction for the comparison.

    Raises
    ------
    MeasureError
        If the two disagree by more than 30 %.
    """
    if model.takes == "numpy":
        return "central difference", model.central_difference
    try:
        _, slope = model.jvp(sample, direction)
    except (RuntimeError, TypeError):
        return "central difference", model.central_difference
    _refuse_hidden(model, sample, direction, slope)
    return "jvp", model.jvp


def _refuse_hidden(model: Model, sample: NDArray[Any], direction: NDArray[Any], slope: NDArray[Any]) -> None:
    value, difference = model.central_difference(sample, direction)
    noise = 10 * _rounding(model._raw(sample), sample) ** (2 / 3)
    apart, whole = float(_size(slope - difference).max()), float(_size(difference).max())
    steepness = float((_size(value) * _size(direction) / np.maximum(_size(sample), np.finfo(float).tiny)).max())
    if apart > TOLERANCE * whole + noise * steepness:
        raise MeasureError(
            f"f: its jvp and its central difference disagree by {apart:.3g}, got {whole:.3g} for the latter; a part of "
            "the model is hidden from its framework, as by detach or stop_gradient: remove that, or pass a function of "
            "numpy arrays, which is differentiated by central differences"
        )


@contextmanager
def evaluated(f: Any) -> Iterator[None]:
    """Put a torch module in evaluation mode, and restore the mode of each of its parts afterwards."""
    parts: Any = f.modules() if _is_module(f) else ()
    modes = [(part, part.training) for part in parts]
    try:
        for part, _ in modes:
            part.training = False
        yield
    finally:
        for part, training in modes:
            part.training = training


def _jvp_of_torch(f: Callable[[Any], Any], at: tuple[Any], along: tuple[Any]) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
        return torch.func.jvp(f, at, along)


def _is_module(f: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(f, torch.nn.Module)


def _is_of_jax(result: Any) -> bool:
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(result, jax.Array)


def _is_of_torch(result: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(result, torch.Tensor)


def _tensor(velocities: NDArray[Any], f: Any) -> Any:
    """Return a tensor of a module's own type on its own device; for a function, of the array's type."""
    import torch

    tensor = torch.from_numpy(velocities.copy())
    own = next((p for p in f.parameters() if p.is_floating_point()), None) if _is_module(f) else None
    return tensor if own is None else tensor.to(own)


def _of_shape(result: Any, velocities: NDArray[Any]) -> NDArray[Any]:
    if _is_of_torch(result):
        result = result.detach().cpu()
        result = result.float() if result.element_size() < 4 else result
    array = np.asarray(result)
    if array.shape != velocities.shape:
        raise MeasureError(
            f"f: returns shape {array.shape} for velocities of shape {velocities.shape}; return the shape of the input"
        )
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)


def _rounding(result: Any, velocities: NDArray[Any]) -> float:
    """Return the machine epsilon of a model's input or output, whichever is larger."""
    finfo: Any = np.finfo
    if _is_of_torch(result):
        finfo = sys.modules["torch"].finfo
    elif _is_of_jax(result):
        finfo = sys.modules["jax"].numpy.finfo
    try:
        own = float(finfo(result.dtype).eps)
    except (AttributeError, TypeError, ValueError):
        own = 0.0
    return max(own, float(np.finfo(velocities.dtype).eps))


def _size(velocities: NDArray[Any]) -> NDArray[np.float64]:
    """Return the root mean square of each item of the first axis, with the other axes kept."""
    squares = velocities.astype(np.float64) ** 2
    size: NDArray[np.float64] = np.sqrt(squares.mean(axis=tuple(range(1, velocities.ndim)), keepdims=True))
    return size


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "no message")
