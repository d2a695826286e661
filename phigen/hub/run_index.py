"""The index of a published dataset: a table of its runs, to choose by before any field is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.store.metadata import PER_RUN

if TYPE_CHECKING:
    import pyarrow as pa
    import xarray as xr

HEALTH = ("divergence", "courant")
"""What the solver says of each frame; the index has the largest of each run."""


def index_of_runs(dataset: xr.Dataset, errors: xr.Dataset | None) -> pa.Table:
    """Give a table of a dataset's runs: what each of them is, how far from symmetric, and how healthy.

    Parameters
    ----------
    dataset : Dataset
        As opened by `phigen.open`.
    errors : Dataset or None
        From `measure_runs` of the same runs; none where there is nothing to compare.

    Returns
    -------
    pyarrow.Table
        One row a run: ``run``, its position; every coordinate on the dim `run`, a list where there are several
        inflows or regions; for each variable that is measured ``smoke_mae`` and ``smoke_l2``, the mean over frames
        of what the run, taken back, differs by from its orbit's first one, so that the latter's own are 0; and
        ``largest_divergence`` and ``largest_courant``.  What is not known is null.
    """
    import pyarrow as pa

    own = sorted(str(name) for name, coordinate in dataset.coords.items() if "run" in coordinate.dims)
    ordered = [*(name for name in PER_RUN if name in own), *(name for name in own if name not in PER_RUN)]
    columns: dict[str, Any] = {"run": np.arange(dataset.sizes["run"])}
    columns |= {name: dataset[name].transpose("run", ...).values for name in ordered}
    columns |= _error_columns(errors) if errors is not None else {}
    columns |= {f"largest_{name}": dataset[name].max("time").values for name in HEALTH if name in dataset}
    return pa.table({name: pa.array(values.tolist(), from_pandas=True) for name, values in columns.items()})


def write_index(table: pa.Table, path: Path) -> None:
    """Write an index as parquet; the same table gives the same bytes."""
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
