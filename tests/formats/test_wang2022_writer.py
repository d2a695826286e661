"""Exports in the layout of the published sets: where the authors' scripts look, and the flow that was simulated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.errors import FormatError
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.simulation.staggered import centred, completed, faces_of
from phigen.store.metadata import index_of
from phigen.store.reading import open as open_dataset
from phigen.symmetry.fields import FACES, FIELDS
from phigen.symmetry.point_groups import POINT_GROUPS, ElementName, inverse, turn
from tests.shared.recipes import SMALL

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def laid(text: str) -> xr.Dataset:
    """All runs of a recipe, with noise for flows."""
    index = index_of(plan(parse(text)))
    dims = {name: ("run", *FIELDS[name].dims) for name in ("velocity", *FACES)}
    dims = {name: own for name, own in dims.items() if set(own) <= index.sizes.keys()}
    rng = np.random.default_rng(0)
    return index.assign(
        {
            name: (own, rng.normal(size=[index.sizes[dim] for dim in own]).astype(np.float32))
            for name, own in dims.items()
        }
    )


def exported(dataset: xr.Dataset, folder: Path) -> dict[str, np.ndarray]:
    """Export, and load every file as the authors do."""
    path = phigen.export(dataset, folder / "out", format="wang2022")
    return {file.relative_to(path).as_posix(): torch.load(file).numpy() for file in path.rglob("*.pt")}


def test_the_ten_graded_sets_lie_where_the_authors_script_reads_them(eq3: Path, tmp_path: Path) -> None:
    """run_equiv_test.py loads equivariance_test/E_{level}/raw_data_{0..3}.pt."""
    files = exported(open_dataset(eq3), tmp_path)
    assert set(files) == {f"equivariance_test/E_{level}/raw_data_{j}.pt" for level in (0, 2, 9) for j in range(4)}
    assert {(values.shape, values.dtype) for values in files.values()} == {((50, 2, 64, 64), np.dtype("float32"))}


def as_array(values: np.ndarray, element: ElementName) -> np.ndarray:
    return turn(xr.DataArray(values, dims=("time", "component", "y", "x")), element).values


def test_recovered_faces_have_the_means_that_are_stored(eq3: Path, tmp_path: Path) -> None:
    dataset, files = open_dataset(eq3), exported(open_dataset(eq3), tmp_path)
    for run, g in enumerate(POINT_GROUPS["C4"]):
        faces = completed(as_array(files[f"equivariance_test/E_9/raw_data_{run}.pt"], inverse(g)))
        stored = turn(dataset["velocity"].isel(run=8 + run), inverse(g)).values
        assert np.abs(centred(faces) - stored).max() < 2e-5


def test_equal_runs_are_equal_arrays(eq3: Path, tmp_path: Path) -> None:
    """Level 0 is symmetric to the last bit, because faces are recovered and cropped in one reference frame."""
    files = exported(open_dataset(eq3), tmp_path)
    first = files["equivariance_test/E_0/raw_data_0.pt"]
    for j, g in enumerate(POINT_GROUPS["C4"]):
        np.testing.assert_array_equal(files[f"equivariance_test/E_0/raw_data_{j}.pt"], as_array(first, g))


def test_flipped_rows_are_symmetric_under_the_rotation_of_the_authors_script(eq3: Path, tmp_path: Path) -> None:
    """Its rot_field rotates positions by sampling and vectors by a matrix, which agree where rows go down."""
    files = exported(open_dataset(eq3), tmp_path)
    first, *others = (torch.from_numpy(files[f"equivariance_test/E_0/raw_data_{j}.pt"]).flip(2) for j in range(4))
    for quarters, other in enumerate(others, 1):
        angle = torch.tensor(quarters * torch.pi / 2)
        cos, sin = torch.cos(angle), torch.sin(angle)
        arrows = torch.stack([cos * first[:, 0] - sin * first[:, 1], sin * first[:, 0] + cos * first[:, 1]], 1)
        places = torch.tensor([[[cos, -sin, 0], [sin, cos, 0]]]).expand(len(first), 2, 3)
        grid = torch.nn.functional.affine_grid(places, list(first.shape), align_corners=False)
        turned = torch.nn.functional.grid_sample(arrows, grid, align_corners=False)
        torch.testing.assert_close(turned, other, rtol=0, atol=1e-4)


def test_stored_faces_are_exported_bit_for_bit(tmp_path: Path) -> None:
    dataset = laid(SMALL + "store: [faces]\n")
    files = exported(dataset, tmp_path)
    for run in range(8):
        own = turn(dataset[list(FACES)].isel(run=run), inverse(POINT_GROUPS["C4"][run % 4]))
        values = as_array(
            files[f"equivariance_test/E_{run // 4}/raw_data_{run % 4}.pt"], inverse(POINT_GROUPS["C4"][run % 4])
        )
        np.testing.assert_array_equal(values[:, 0], own["velocity_x"].values[..., :-1])
        np.testing.assert_array_equal(values[:, 1], own["velocity_y"].values[..., :-1, :])


def test_levels_that_are_no_whole_numbers_are_counted(eq3: Path, tmp_path: Path) -> None:
    dataset = open_dataset(eq3)
    files = exported(dataset.assign_coords(level=dataset["level"] / 100).isel(time=[0]), tmp_path)
    assert {name.split("/")[1] for name in files} == {"E_0", "E_1", "E_2"}


TWO_ORBITS = SMALL.replace("symmetry:", "vary: {strength: [0.1, 0.2]}\nsymmetry:")
ALONE = SMALL.split("symmetry:")[0]


def test_runs_of_several_orbits_are_numbered_with_their_direction(tmp_path: Path) -> None:
    """As run_model.py asks for them: (1, 0), (2, 1), ..., (5, 0), ...."""
    files = exported(laid(TWO_ORBITS.replace("[0, 1]", "[1]")), tmp_path)
    assert sorted(files) == [f"Rotation/raw_data_{k + 1}_{k % 4}.pt" for k in range(8)]


def test_runs_that_were_published_in_their_own_positions_are_cropped_there(tmp_path: Path) -> None:
    dataset = laid(TWO_ORBITS.replace("[0, 1]", "[1]") + "store: [faces]\n")
    files = exported(dataset, tmp_path)
    for k in range(8):
        values = files[f"Rotation/raw_data_{k + 1}_{k % 4}.pt"]
        np.testing.assert_array_equal(values[:, 0], dataset["velocity_x"].isel(run=k).values[..., :-1])
        np.testing.assert_array_equal(values[:, 1], dataset["velocity_y"].isel(run=k).values[..., :-1, :])


def test_shifts_are_named_by_their_inflow(tmp_path: Path) -> None:
    shifts = ALONE.replace("[8, 3]", "[4, 3]") + "symmetry: {group: translation, shifts: {x: [0, 4], y: [0, 2]}}\n"
    files = exported(laid(shifts), tmp_path)
    assert sorted(files) == [f"Translation/raw_data_{x}_{y}.pt" for x in (4, 8) for y in (3, 5)]


@pytest.mark.parametrize("method", ["resampled", "rescaled"])
def test_scalings_are_numbered(method: str, tmp_path: Path) -> None:
    dataset = laid(ALONE + f"symmetry: {{group: scaling, factors: [1, 1.5], scaling_method: {method}}}\n")
    files = exported(dataset, tmp_path)
    assert sorted(files) == ["Scale/raw_data_0.pt", "Scale/raw_data_1.pt"]
    expected = faces_of(dataset[["velocity"]].isel(run=1))
    np.testing.assert_array_equal(files["Scale/raw_data_1.pt"][:, 0], expected["velocity_x"].values[..., :-1])


def test_runs_that_the_layout_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="got 16 runs in 2 levels and 2 orbits, group C4; select one level"):
        phigen.export(laid(TWO_ORBITS), tmp_path / "out", format="wang2022")
    assert not (tmp_path / "out").exists()


def test_the_faces_of_other_boxes_must_be_stored(tmp_path: Path) -> None:
    periodic = SMALL.replace("cells: 16", "cells: 16, boundary: periodic")
    with pytest.raises(FormatError, match=r"build it with store: \[faces\]"):
        phigen.export(laid(periodic), tmp_path / "out", format="wang2022")
    assert len(exported(laid(periodic + "store: [faces]\n"), tmp_path)) == 8


def test_without_torch_it_is_one_line(eq3: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None; import phigen.cli\n"
        f"sys.argv[1:] = ['export', {str(eq3)!r}, '--format', 'wang2022', '--out', {str(tmp_path / 'out')!r}]\n"
        "phigen.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.stderr == "the format wang2022 needs torch, which is not installed; pip install torch\n"
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())
