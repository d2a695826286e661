"""How a rotation or reflection acts on arrays with named dims: it permutes indices and changes signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from phigen.symmetry.fields import FACES

if TYPE_CHECKING:
    import xarray as xr


class Permutation(Protocol):
    """A rotation or reflection, as far as arrays are concerned."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def swaps_axes(self) -> bool:
        """Whether x becomes y."""

    def on_scalars(self, values: Any) -> Any:
        """Move scalars (..., y, x) with their points."""

    def on_components(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return the two components of the image of a vector."""


def on_dataset(fields: xr.Dataset, g: Permutation) -> xr.Dataset:
    """Transform every variable, the two components of the faces as a pair."""
    transformed = {name: _on_variable(field.variable, g, name) for name, field in fields.items() if name not in FACES}
    if any(name in fields for name in FACES):
        transformed.update(_on_faces(fields, g))
    return fields.assign(transformed)


def on_array(field: xr.DataArray, g: Permutation) -> xr.DataArray:
    """Transform scalars (..., y, x) or vectors (..., component, y, x) in cell centres, or (..., component)."""
    return field.copy(data=_on_variable(field.variable, g, field.name).values)


def _on_variable(field: xr.Variable, g: Permutation, name: Any) -> xr.Variable:
    """Transform the values of an array; its dims may be in any order."""
    if {"x_face", "y_face"} & set(field.dims):
        raise ValueError(f"{name}: faces are transformed in pairs, got one component; pass a Dataset with both")
    core = [dim for dim in ("component", "y", "x") if dim in field.dims]
    ordered = field.transpose(..., *core)
    values = ordered.values
    if "component" in core:
        axis = -len(core)
        x, y = np.moveaxis(values, axis, 0)
        values = np.stack(g.on_components(x, y), axis=axis)
    if ("x" in core) != ("y" in core):
        raise ValueError(f"{name}: a field has both dims x and y or neither, got {', '.join(map(str, field.dims))}")
    if "x" in core:
        _refuse_oblong(ordered, g)
        values = g.on_scalars(values)
    return ordered.copy(deep=False, data=values).transpose(*field.dims)


def _on_faces(fields: xr.Dataset, g: Permutation) -> dict[Any, xr.Variable]:
    if not all(name in fields for name in FACES):
        raise ValueError(
            f"faces are transformed in pairs, got one component; the Dataset needs both {' and '.join(FACES)}"
        )
    before_x, before_y = (fields[name].variable for name in FACES)
    along_x, along_y = before_x.transpose(..., "y", "x_face"), before_y.transpose(..., "y_face", "x")
    _refuse_oblong(along_x.isel(x_face=slice(1, None)), g)
    x, y = g.on_components(along_x.values, along_y.values)
    return {
        "velocity_x": along_x.copy(deep=False, data=g.on_scalars(x)).transpose(*before_x.dims),
        "velocity_y": along_y.copy(deep=False, data=g.on_scalars(y)).transpose(*before_y.dims),
    }


def _refuse_oblong(field: xr.Variable, g: Permutation) -> None:
    rows, columns = field.shape[-2:]
    if g.swaps_axes and rows != columns:
        raise ValueError(f"{g.name} needs a square box, got {columns} x {rows} cells")
