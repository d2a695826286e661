"""Which runs other people's data have, and what is compared: runs with one another, or fields with their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.errors import MeasureError
from phigen.formats.cf_names import listed
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


def describe_runs(
    dataset: xr.Dataset, count: int, *, run_dim: str | None, group: str | None, elements: Sequence[str] | None
) -> dict[str, Any]:
    """Return for each adopted run the position of its source among the data's runs, its level, orbit and element.

    Parameters
    ----------
    dataset : Dataset
        As other people made it; coordinates level, orbit and element along `run_dim` are used.
    count : int
        Number of runs of the data.
    run_dim, group, elements
        As `adopt` takes them.

    Raises
    ------
    MeasureError
        If it is not clear what to compare, or an element or group has no such name.
    """
    if group is not None and elements is not None:
        raise MeasureError("group, elements: compare fields with their images or runs with one another, got both")
    along = {name: dataset[name].values for name in ("level", "orbit", "element") if _is_along(dataset, name, run_dim)}
    levels = along.get("level", np.zeros(count))
    levels = levels if np.issubdtype(levels.dtype, np.number) else np.zeros(count)
    if group is not None:
        return _images(group, levels)
    if elements is None and "element" not in along:
        raise MeasureError(
            f"nothing says what to compare, got {listed(dataset)}; --group D1_y compares every field with its mirror "
            "image, --elements identity,mirror_y compares runs with one another"
        )
    made = [*map(str, along["element"])] if elements is None else [*elements] * (count // max(1, len(elements)))
    if len(made) != count:
        got = len(made) or len(elements or ())
        raise MeasureError(f"elements: there are {count} runs, got {got} elements; name one for each run of an orbit")
    unknown = [name for name in made if name not in ELEMENTS]
    if unknown:
        raise MeasureError(
            f"elements: must be rotations or reflections, got {unknown[0]}; choose from {', '.join(ELEMENTS)}"
        )
    orbits = along.get("orbit", _occurrences([*zip(levels.tolist(), made, strict=True)]))
    return {"source": np.arange(count), "level": levels, "orbit": orbits, "element": made}


def _images(group: str, levels: NDArray[Any]) -> dict[str, Any]:
    """Return every run once for each element of a group, as an orbit of its own."""
    images = next((own for name, own in POINT_GROUPS.items() if name == group and len(own) > 1), None)
    if images is None:
        known = ", ".join(name for name, own in POINT_GROUPS.items() if len(own) > 1)
        raise MeasureError(f"group: must be a group of rotations and reflections, got {group}; choose from {known}")
    source = np.repeat(np.arange(len(levels)), len(images))
    return {"source": source, "level": levels[source], "orbit": source, "element": [*images] * len(levels)}


def smallest_group(elements: set[str]) -> str:
    """Return the smallest point group that has all of these elements."""
    return next(name for name, own in sorted(POINT_GROUPS.items(), key=lambda item: len(item[1])) if elements <= {*own})


def _is_along(dataset: xr.Dataset, name: str, run_dim: str | None) -> bool:
    return run_dim is not None and name in dataset.variables and dataset[name].dims == (run_dim,)


def _occurrences(keys: Sequence[Any]) -> NDArray[np.int_]:
    """Return for each key how often it occurred before: the orbit of a run that only its element identifies."""
    seen: Counter[Any] = Counter()
    counts = []
    for key in keys:
        counts.append(seen[key])
        seen[key] += 1
    return np.array(counts)
