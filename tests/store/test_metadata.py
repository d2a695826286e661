"""A store says in coordinates and attributes what each of its runs is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

from phigen.building.builder import build
from phigen.planning.plans import plan
from phigen.recipe.loading import load, parse
from phigen.store import reading as store
from phigen.store.metadata import versions
from tests.shared.recipes import SMALL


def test_plain_xarray_opens_it_with_all_that_the_data_model_names(eq10: Path) -> None:
    dataset = xr.open_zarr(eq10)
    assert dict(dataset.sizes) == {"run": 40, "time": 50, "component": 2, "y": 64, "x": 64}
    assert {str(n): (v.dims, str(v.dtype)) for n, v in dataset.data_vars.items()} == {
        "smoke": (("run", "time", "y", "x"), "float32"),
        "velocity": (("run", "time", "component", "y", "x"), "float32"),
        "buoyancy": (("run", "time", "component"), "float64"),
        "divergence": (("run", "time"), "float32"),
        "courant": (("run", "time"), "float32"),
    }
    on_run = {str(name) for name, c in dataset.coords.items() if c.dims == ("run",)}
    assert on_run >= {"level", "orbit", "element", "inflow_x", "inflow_y", "inflow_radius", "strength", "split"}
    assert dataset["element"].values[:4].tolist() == ["identity", "rotate90", "rotate180", "rotate270"]
    assert dataset["time"].values.tolist() == list(range(10, 60))
    assert dataset["y"].values[0] == 0.5
    assert all("units" in v.attrs and "long_name" in v.attrs for v in dataset.data_vars.values())
    assert not any(np.isnan(v.values).any() for v in dataset.data_vars.values())


def test_it_holds_the_recipe_word_for_word(eq10: Path) -> None:
    attributes = store.open(eq10).attrs
    recipe = load("rotation_eq10")
    assert attributes["recipe"] == recipe.text
    assert attributes["recipe_sha256"] == hashlib.sha256(recipe.text.encode()).hexdigest()
    assert attributes["versions"] == versions()
    assert list(plan(parse(attributes["recipe"])).runs) == list(plan(recipe).runs)


def test_several_inflows_have_a_dim_of_their_own(tmp_path: Path) -> None:
    two = "[{center: [8, 3], radius: 2}, {center: [4, 5], radius: 1.5}]"
    recipe = parse(SMALL.replace("[{center: [8, 3], radius: 2}]", two))
    dataset = store.open(build(recipe, tmp_path / "s.zarr", workers=1).path)
    assert dataset["inflow_x"].dims == ("run", "inflow")
    assert dataset["inflow_x"].values[:2].tolist() == [[8, 4], [13, 11]]
