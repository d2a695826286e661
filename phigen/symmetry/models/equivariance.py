"""The equivariance error of a model: how far acting before it is from acting after it.

A model f is any callable from velocities (..., 2, H, W) to velocities of the same shape.  For every x of a sample and
every element g of a group except the identity, the error of f is

    EE(x, g) = < |f(g x) - g f(x)| >                    mean over components and cells

For rotations by any angle, with g_t the rotation by t and A its generator, the infinitesimal error is

    L f(x) = d/dt g_t^-1 f(g_t x) = Df(x)[A x] - A f(x)        at t = 0
    (A u)(p) = J u(p) - (J p . grad) u(p),   J = [[0, -1], [1, 0]],   p from the centre of the box

Both vanish where f is equivariant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.errors import MeasureError
from phigen.symmetry.element import GroupElement
from phigen.symmetry.groups import GROUPS
from phigen.symmetry.models.adapters import Method, Model, differentiate, evaluated
from phigen.symmetry.models.samples import finite, windows

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Errors:
    """Three norms over a sample of x of an error e(x), which has the components and cells of a velocity.

    Parameters
    ----------
    l1 : float
        Mean of |e|, in the units of the model's output.
    l2 : float
        Root of the mean of e^2.
    supremum : float
        The largest over x of the mean of |e(x)|, whose mean over the sample is l1.
    """

    l1: float
    l2: float
    supremum: float


@dataclass(frozen=True)
class ModelError(Errors):
    """The result of `model_error`: over a sample and the elements of a group, and for each element.

    Parameters
    ----------
    by_element : mapping of str to Errors
        By the element's name, without the identity.
    """

    by_element: Mapping[str, Errors]


@dataclass(frozen=True)
class LieDerivative(Errors):
    """The result of `lie_derivative`: the norms of L f, per radian.

    Parameters
    ----------
    method : str
        ``jvp`` or ``central difference``: how f was differentiated.
    """

    method: Method


def model_error(f: Callable[[Any], Any], dataset: xr.Dataset | ArrayLike, group: str) -> ModelError:
    """Measure how far a model is from equivariant under a group.

    Definition 3.1 of Wang et al. (2022) is the supremum over x and g of |f(g x) - g f(x)| and leaves the norm open.
    Here the norm is the mean absolute value over components and cells, which the authors report, and x runs through the
    sample.  Rotations, reflections and shifts by whole cells only move values and change signs, so that an equivariant
    model can have the error 0 to the last bit.

    Parameters
    ----------
    f : callable
        From velocities (n, ..., 2, H, W) to velocities of the same shape, each of the n independently.  A torch module
        receives tensors of its own type and device, in evaluation mode; any other callable receives numpy arrays, or
        else the tensors of torch or the arrays of jax.
    dataset : Dataset or array_like
        As opened by `phigen.open`: each frame of each run is an x.  Or velocities (n, ..., 2, H, W): each of the n is
        an x; (2, H, W) is a single one.  Read piece by piece.
    group : str
        A name in `phigen.symmetry.GROUPS`: ``C4``, ``D4``, ...; or ``translation``, for the shifts of a dataset of
        that group.  Scalings are refused, because a scaled velocity does not fit the same box.

    Returns
    -------
    ModelError
        Over the sample and the group's elements except the identity, and for each element.

    Raises
    ------
    MeasureError
        If the group does not fit the fields, or f fails, changes the shape or returns values that are not finite.

    References
    ----------
    Wang, Walters and Yu, Approximately Equivariant Networks for Imperfectly Symmetric Dynamics, ICML 2022,
    arXiv:2201.11969, Definition 3.1; github.com/Rose-STL-Lab/Approximately-Equivariant-Nets, run_equiv_test.py, prints
    l1 over C4.
    """
    elements = _elements(group, dataset)
    absolute: dict[str, list[NDArray[np.float64]]] = {g.name: [] for g in elements}
    square: dict[str, list[NDArray[np.float64]]] = {g.name: [] for g in elements}
    model = None
    with evaluated(f):
        for x, where in windows(dataset):
            for g in elements:
                _acted(g, x[:1])
            model = model or Model.of(f, x[:1])
            after = finite(model(x), where, "f returns")
            for g in elements:
                before = finite(model(_acted(g, x)), where, f"f returns after {g.name}")
                error = before.astype(np.float64) - _acted(g, after)
                absolute[g.name].append(_mean(np.abs(error)))
                square[g.name].append(_mean(error**2))
    one, two = ({name: np.concatenate(parts) for name, parts in means.items()} for means in (absolute, square))
    by_element = {name: Errors(*_sizes(one[name], two[name])) for name in one}
    return ModelError(*_sizes(np.array([*one.values()]), np.array([*two.values()])), by_element)


def lie_derivative(f: Callable[[Any], Any], dataset: xr.Dataset | ArrayLike) -> LieDerivative:
    """Measure how far a model is from equivariant under rotations by a small angle about the centre of the box.

    Gradients are differences of second order, one-sided in the outermost cells, which count like all others.  They are
    exact for fields that are quadratic in x and in y, and for models that only mix components, f(u) = M u.  Elsewhere
    the truncation error counts as breaking; it falls to a quarter with half the cell size.  Cells must be square, the
    box need not be.

    Parameters
    ----------
    f : callable
        As for `model_error`.  A function of torch or jax is differentiated by its jvp; any other function, and one
        whose jvp the framework does not have, by a central difference.
    dataset : Dataset or array_like
        As for `model_error`.

    Returns
    -------
    LieDerivative
        Norms of L f over the sample, in the units of f's output, per radian, and the method.  The square of l2 is the
        local equivariance error of Gruver et al., |L f|^2 divided by the number of values.

    Raises
    ------
    MeasureError
        If f fails, changes the shape or returns values that are not finite, if its jvp is not its derivative, or if
        there are fewer than 3 cells along an axis.

    References
    ----------
    Gruver, Finzi, Goldblum and Wilson, The Lie Derivative for Measuring Learned Equivariance, ICLR 2023,
    arXiv:2210.02984, equation 4.
    """
    absolute, square = [], []
    derivative = None
    with evaluated(f):
        for x, where in windows(dataset):
            direction = _generator(x)
            if derivative is None:
                fastest = int(np.argmax(_mean(np.abs(direction))))
                one = slice(fastest, fastest + 1)
                method, derivative = differentiate(Model.of(f, x[one]), x[one], direction[one])
            value, slope = derivative(x, direction)
            value, slope = finite(value, where, "f returns"), finite(slope, where, "the derivative of f returns")
            error = slope.astype(np.float64) - _generator(value)
            absolute.append(_mean(np.abs(error)))
            square.append(_mean(error**2))
    return LieDerivative(*_sizes(np.concatenate(absolute), np.concatenate(square)), method)


def _sizes(absolute: NDArray[np.float64], square: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return l1, l2 and supremum from the mean |e| and the mean e^2 of each x."""
    return float(absolute.mean()), float(np.sqrt(square.mean())), float(absolute.max())


def _generator(u: NDArray[Any]) -> NDArray[Any]:
    """Return A u in the type of u, so that it cancels to the last bit where a model only copies."""
    height, width = u.shape[-2:]
    if min(height, width) < 3:
        raise MeasureError(f"the velocity has {width} x {height} cells; a Lie derivative needs 3 along each axis")
    fields = u.astype(np.float64)
    y, x = np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    across, up = np.gradient(fields, axis=-1, edge_order=2), np.gradient(fields, axis=-2, edge_order=2)
    rotated = np.stack([-fields[..., 1, :, :], fields[..., 0, :, :]], axis=-3)
    generated: NDArray[Any] = (rotated - (x * up - y * across)).astype(u.dtype)
    return generated


def _acted(g: GroupElement, u: NDArray[Any]) -> NDArray[Any]:
    """Return g u for velocities (..., 2, H, W)."""
    import xarray as xr

    dims = (*(f"axis_{i}" for i in range(u.ndim - 3)), "component", "y", "x")
    try:
        acted: NDArray[Any] = g.act(xr.Dataset({"velocity": (dims, u)}))["velocity"].values
    except ValueError as error:
        raise MeasureError(f"group: {error}; choose a group whose elements fit the box") from error
    return acted


def _elements(group: str, dataset: xr.Dataset | ArrayLike) -> tuple[GroupElement, ...]:
    """Return the elements of a group but the identity."""
    if group not in GROUPS:
        raise MeasureError(f"group: there is no such group, got {group}; known are {', '.join(GROUPS)}")
    try:
        elements = GROUPS[group].model_elements(getattr(dataset, "attrs", {}))
    except ValueError as error:
        raise MeasureError(f"group: {error}") from error
    if not elements:
        raise MeasureError(f"group: {group} has no element besides the identity; choose a larger group")
    return elements


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each item, which does not depend on the other items of the array."""
    mean: NDArray[np.float64] = values.reshape(len(values), -1).mean(axis=1)
    return mean
