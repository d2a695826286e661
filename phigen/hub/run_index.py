"""The run table of a published dataset, `index.parquet`: for choosing runs before any field is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.store.metadata import PER_RUN

if TYPE_CHECKING:
    import pyarrow as pa
    import xarray as xr

INDEX = "index.parquet"

HEALTH = ("divergence", "courant")
"""Variables of each frame that say how the solver did; the run table has the largest value of each run."""


def run_table(dataset: xr.Dataset, errors: xr.Dataset | None) -> pa.Table:
    """Return the table of a dataset's runs: what each of them is, how far from symmetric, and how the solver did.

    Parameters
    ----------
    dataset : Dataset
        As opened by `phigen.open`.
    errors : Dataset or None
        From `measure_runs` of the same runs; None if there is nothing to compare.

    Returns
    -------
    pyarrow.Table
        One row per run.  ``run`` is its position.  Every coordinate on the dim `run` has a column, of lists if there
        are several inflows or regions.  Each measured variable has two, such as ``smoke_mae`` and ``smoke_l2``: means
        over frames of the difference between the run, mapped to the reference frame, and the first run of its orbit;
        that of the first run itself is 0.  The last are ``largest_divergence`` and ``largest_courant``.  Unknown
        values are null.
    """
    import pyarrow as pa

    own = sorted(str(name) for name, coordinate in dataset.coords.items() if "run" in coordinate.dims)
    ordered = [*(name for name in PER_RUN if name in own), *(name for name in own if name not in PER_RUN)]
    columns: dict[str, Any] = {"run": np.arange(dataset.sizes["run"])}
    columns |= {name: dataset[name].transpose("run", ...).values for name in ordered}
    columns |= _error_columns(errors) if errors is not None else {}
    columns |= {f"largest_{name}": dataset[name].max("time").values for name in HEALTH if name in dataset}
    return pa.table({name: pa.array(values.tolist(), from_pandas=True) for name, values in columns.items()})


def write_run_table(table: pa.Table, path: Path) -> None:
    """Write a run table as parquet; the same table gives the same bytes."""
    import pyarrow.parquet as pq

    pq.write_table(table, path)


def _error_columns(errors: xr.Dataset) -> dict[str, Any]:
    means = errors.mean("time").where(errors["element"] != "identity", 0.0)
    columns = {}
    for variable in errors["variable"].values.tolist():
        of_variable = means.sel(variable=variable)
        columns[f"{variable}_mae"] = of_variable["mae"].values
        columns[f"{variable}_l2"] = np.sqrt(of_variable["square"].values)
    return columns
