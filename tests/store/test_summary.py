"""What is said of a store is what xarray reads from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from phigen.planning.plans import plan
from phigen.recipe.model import Recipe
from phigen.simulation.program import simulate
from phigen.store import manifest
from phigen.store.summary import describe
from phigen.symmetry.actions import act
from tests.shared.stores import prepared, write_shards


def test_each_variable_is_described_as_xarray_opens_it(eq10: Path) -> None:
    dataset = xr.open_zarr(eq10, chunks=None)
    facts = describe(eq10)
    assert [variable["name"] for variable in facts["variables"]] == sorted(map(str, dataset.data_vars))
    for variable in facts["variables"]:
        known = dataset[variable["name"]]
        assert variable["dims"] == list(known.dims)
        assert variable["shape"] == list(known.shape)
        assert variable["dtype"] == str(known.dtype)
        assert variable["units"] == known.attrs["units"]
        assert variable["mean"] == known.attrs.get("mean")
        assert variable["bytes"] == sum(
            file.stat().st_size for file in (eq10 / variable["name"] / "c").rglob("*") if file.is_file()
        )
    assert facts["largest_courant"] == float(dataset["courant"].max())
    assert facts["largest_divergence"] == float(dataset["divergence"].max())
    assert facts["levels"] == np.unique(dataset["level"]).tolist()
    assert facts["strengths"] == [float(dataset["strength"].min()), float(dataset["strength"].max())]
    assert facts["splits"] == {"train": 40}
    assert facts["frames"] == [10, 59]
    assert (facts["finished"], facts["runs"], facts["runs_stored"], facts["layout"]) == (True, 40, 40, 3)
    assert facts["instruction_set"] == dataset.attrs["instruction_set"]
    assert (facts["content_sha256"], facts["recipe_sha256"]) == (manifest.load(eq10).digest, dataset.recipe_sha256)
    assert facts["instruction_set"] == dataset.instruction_set


def test_an_unfinished_store_is_described_by_the_runs_that_are_there(small: Recipe, tmp_path: Path) -> None:
    path, planned = tmp_path / "s.zarr", plan(small)
    prepared(path, planned)
    assert describe(path)["largest_courant"] is None
    run = planned.runs[1]
    fields = act(simulate(run.simulation), run.after)
    write_shards(path, planned, [1])
    facts = describe(path)
    assert (facts["finished"], facts["runs"], facts["runs_stored"]) == (False, 8, 1)
    for name in ("courant", "divergence"):
        assert facts[f"largest_{name}"] == float(fields[name].max())
    assert facts["content_sha256"] is None
    assert facts["distinct_simulations"] == 4


def test_describing_loads_neither_xarray_nor_what_reads_recipes(built: Path) -> None:
    """A user waits for it at the command line."""
    code = (
        "import sys; from phigen.store.summary import describe; describe(sys.argv[1]);"
        "print([name for name in ('xarray', 'pandas', 'pydantic', 'dask', 'jax', 'phi') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(built)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
