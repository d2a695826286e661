"""The equivariance error of a model: how far acting before it is from acting after it.

A model f is any callable from velocities (..., 2, H, W) to as many.  For every x of a sample and every element g of a
group but the identity, the error of f is

    EE(x, g) = < |f(g x) - g f(x)| >                    mean over components and cells

and for rotations by any angle, with g_t the rotation by t and A its generator, there is the infinitesimal one,

    L f(x) = d/dt g_t^-1 f(g_t x) = Df(x)[A x] - A f(x)        at t = 0
    (A u)(p) = J u(p) - (J p . grad) u(p),   J = [[0, -1], [1, 0]],   p from the centre of the box

Both are zero where f is equivariant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.errors import MeasureError
from phigen.symmetry.actions import Group, Transformation, act
from phigen.symmetry.model_adapters import Method, Model, differentiate, evaluated
from phigen.symmetry.point_groups import ELEMENTS, GROUPS
from phigen.symmetry.translation import Shift
from phigen.symmetry.velocity_samples import finite, windows

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Errors:
    """Three sizes of an error e(x), which has the components and cells of a velocity, over a sample of x.

    Parameters
    ----------
    l1 : float
        Mean of |e|, in the units of what the model gives.
    l2 : float
        Root of the mean of e^2.
    supremum : float
        The largest mean of |e| that one x has: l1 is the mean over the sample of what this is the maximum of.
    """

    l1: float
    l2: float
    supremum: float


@dataclass(frozen=True)
class ModelError(Errors):
    """What `model_error` gives: the errors over a sample and the elements of a group, and those of each element.

    Parameters
    ----------
    by_element : mapping of str to Errors
        By name, of all but the identity.
    """

    by_element: Mapping[str, Errors]


@dataclass(frozen=True)
class LieDerivative(Errors):
    """What `lie_derivative` gives: the sizes of L f, per radian.

    Parameters
    ----------
    method : str
        ``jvp`` or ``central difference``: how f was differentiated.
    """

    method: Method


def model_error(f: Callable[[Any], Any], dataset: xr.Dataset | ArrayLike, group: str) -> ModelError:
    """Measure how far a model is from equivariant under a group.

    Definition 3.1 of Wang et al. (2022) is the supremum over x and g of |f(g x) - g f(x)|, whose norm it leaves open:
    here it is the mean absolute value over components and cells, in which the authors print their errors, and x is in
    the sample.  Turns, mirrors and shifts by whole cells move values and change signs only, so that a model that
    treats them alike has the error 0 to the last bit.

    Parameters
    ----------
    f : callable
        From velocities (n, ..., 2, H, W) to as many, each of the n by itself.  A torch module is given tensors of its
        own type and device, in evaluation mode; another callable numpy arrays, or what it takes of torch and jax.
    dataset : Dataset or array_like
        As opened by `phigen.open`: each frame of each run is an x.  Or velocities (n, ..., 2, H, W), each of the n an
        x; (2, H, W) is one.  Read piece by piece.
    group : str
        Of turns and mirrors, such as ``C4`` or ``D4``; or ``translation``, the shifts of a dataset of that group.

    Returns
    -------
    ModelError
        Errors over the sample and the group's elements but the identity, and by element.

    Raises
    ------
    MeasureError
        If the group does not fit the fields, or f fails, changes the shape or gives what is not finite.

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
            _refuse_oblong(elements, x, group)
            model = model or Model.of(f, x[:1])
            after = finite(model(x), where, "f gives")
            for g in elements:
                before = finite(model(_acted(g, x)), where, f"f gives after {g.name}")
                error = before.astype(np.float64) - _acted(g, after)
                absolute[g.name].append(_mean(np.abs(error)))
                square[g.name].append(_mean(error**2))
    one, two = ({name: np.concatenate(parts) for name, parts in means.items()} for means in (absolute, square))
    by_element = {name: Errors(*_sizes(one[name], two[name])) for name in one}
    return ModelError(*_sizes(np.array([*one.values()]), np.array([*two.values()])), by_element)


def lie_derivative(f: Callable[[Any], Any], dataset: xr.Dataset | ArrayLike) -> LieDerivative:
    """Measure how far a model is from equivariant under rotations by a small angle about the centre of the box.

    Gradients are differences of second order, one-sided at the rim, which counts as every other cell does: exact for
    fields that are quadratic in x and in y, and for whatever f does to components alone, f(u) = M u.  Elsewhere what
    they cut off counts as breaking, and quarters with half the cell.  Cells are squares; the box need not be one.

    Parameters
    ----------
    f : callable
        As for `model_error`.  A function of torch or jax is differentiated by its jvp, any other by a central
        difference; so is one whose jvp the framework cannot give.
    dataset : Dataset or array_like
        As for `model_error`.

    Returns
    -------
    LieDerivative
        Sizes of L f over the sample, in the units of what f gives, per radian, and the method.  The square of l2 is
        the local equivariance error of Gruver et al., |L f|^2 by the number of values.

    Raises
    ------
    MeasureError
        If f fails, changes the shape or gives what is not finite, its jvp is not its derivative, or there are fewer
        than 3 cells along an axis.

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
            value, slope = finite(value, where, "f gives"), finite(slope, where, "the derivative of f gives")
            error = slope.astype(np.float64) - _generator(value)
            absolute.append(_mean(np.abs(error)))
            square.append(_mean(error**2))
    return LieDerivative(*_sizes(np.concatenate(absolute), np.concatenate(square)), method)


def _sizes(absolute: NDArray[np.float64], square: NDArray[np.float64]) -> tuple[float, float, float]:
    """Give l1, l2 and supremum from the mean |e| and the mean e^2 of each x."""
    return float(absolute.mean()), float(np.sqrt(square.mean())), float(absolute.max())


def _generator(u: NDArray[Any]) -> NDArray[Any]:
    """Give A u, of the type of u, so that nothing is left of it where a model only copies."""
    height, width = u.shape[-2:]
    if min(height, width) < 3:
        raise MeasureError(f"the velocity has {width} x {height} cells; a Lie derivative needs 3 along each axis")
    fields = u.astype(np.float64)
    y, x = np.arange(height)[:, None] - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    across, up = np.gradient(fields, axis=-1, edge_order=2), np.gradient(fields, axis=-2, edge_order=2)
    turned = np.stack([-fields[..., 1, :, :], fields[..., 0, :, :]], axis=-3)
    generated: NDArray[Any] = (turned - (x * up - y * across)).astype(u.dtype)
    return generated


def _acted(g: Transformation, u: NDArray[Any]) -> NDArray[Any]:
    """Give g u, by the one way that phigen has of acting."""
    import xarray as xr

    dims = (*(f"axis_{i}" for i in range(u.ndim - 3)), "component", "y", "x")
    acted: NDArray[Any] = act(xr.Dataset({"velocity": (dims, u)}), g)["velocity"].values
    return acted


def _elements(group: str, dataset: xr.Dataset | ArrayLike) -> list[Transformation]:
    """Give the elements of a group but the identity."""
    if group == "translation":
        return _shifts(getattr(dataset, "attrs", {}))
    for known, names in GROUPS.items():
        if known == group and len(names) > 1:
            return [ELEMENTS[name] for name in names if name != "identity"]
    known_groups = ", ".join(name for name, names in GROUPS.items() if len(names) > 1)
    raise MeasureError(f"group: no group to measure a model with, got {group}; known are {known_groups}, translation")


def _shifts(attributes: Mapping[str, Any]) -> list[Transformation]:
    if attributes.get("group") != "translation":
        raise MeasureError("group: the translations are a dataset's own; pass one whose symmetry.group is translation")
    group = Group.of(attributes)
    shifts = [Shift.named(name) for name in attributes["elements"] if name != "identity"]
    for g in shifts:
        if not g.is_whole or g.along(group.periodic) != g:
            raise MeasureError(f"group: {g.name} is no shift by whole cells of a periodic box; choose another dataset")
    return list(shifts)


def _refuse_oblong(elements: list[Transformation], x: NDArray[Any], group: str) -> None:
    height, width = x.shape[-2:]
    if width != height and any(getattr(g, "swaps_axes", False) for g in elements):
        raise MeasureError(f"group: {group} needs a square box, got {width} x {height} cells; C2 and D2 do not")


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the mean of each item, which does not depend on the others that are at hand."""
    mean: NDArray[np.float64] = values.reshape(len(values), -1).mean(axis=1)
    return mean
