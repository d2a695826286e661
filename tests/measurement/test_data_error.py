"""The error is exactly zero where bits agree, the same for a rotated family, and grows with the breaking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phigen.errors import MeasureError
from phigen.measurement import differences
from phigen.measurement.data_error import measure, measure_runs, summarize
from phigen.store.reading import open as open_dataset
from phigen.symmetry.point_groups import POINT_GROUPS, turn


def family(first: np.ndarray, *, shift: float = 0.0) -> xr.Dataset:
    """One orbit of a scalar and a vector field made from noise; `shift` is added to all but the first run."""
    rng = np.random.default_rng(1)
    one = xr.Dataset(
        {
            "smoke": (("time", "y", "x"), first),
            "velocity": (("time", "component", "y", "x"), rng.standard_normal((len(first), 2, *first.shape[1:]))),
        }
    )
    runs = [turn(one + shift if g != "identity" else one, g) for g in POINT_GROUPS["C4"]]
    dataset = xr.concat(runs, "run").assign_coords(
        time=np.arange(len(first)),
        level=("run", np.zeros(4)),
        orbit=("run", np.zeros(4, int)),
        element=("run", np.array(POINT_GROUPS["C4"], dtype=object)),
    )
    dataset.attrs["elements"] = list(POINT_GROUPS["C4"])
    return dataset


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((7, 8, 8))


def test_a_symmetric_family_has_no_error_at_all(noise: np.ndarray) -> None:
    total = summarize(measure(family(noise)))
    assert not total["mae"].any()
    assert not total["l2"].any()


def test_a_known_difference_is_measured_as_it_is(noise: np.ndarray) -> None:
    """A difference of 0.5 everywhere has mae = l2 = 0.5, and is relative to the field's own mean size."""
    total = summarize(measure(family(noise, shift=0.5))).sel(variable="smoke", level=0)
    assert float(total["mae"]) == pytest.approx(0.5)
    assert float(total["l2"]) == pytest.approx(0.5)
    assert float(total["relative"]) == pytest.approx(0.5 / np.abs(noise).mean())
    np.testing.assert_allclose(total["mae_by_element"], 0.5)


def test_rotating_all_runs_changes_no_error(eq3: Path) -> None:
    """measure(g family) = measure(family): runs that are rotated alike differ by as much as before."""
    dataset = open_dataset(eq3)[["smoke", "velocity"]].isel(time=slice(None, None, 10)).load()
    turned = turn(dataset, "rotate90")
    for one, other in zip(measure(dataset).values(), measure(turned).values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_it_is_the_mean_absolute_error_of_the_paper(eq3: Path) -> None:
    """Written out by hand: the mean over the other three of |first - mapped to its reference frame|."""
    dataset = open_dataset(eq3)
    runs = [dataset["velocity"].isel(run=i).values.astype(np.float64) for i in range(8, 12)]
    expected = []
    for quarters, u in enumerate(runs[1:], start=1):
        back = u
        for _ in range(quarters):
            back = np.rot90(back, -1, axes=(-1, -2))
            back = np.stack([back[:, 1], -back[:, 0]], axis=1)
        expected.append(np.abs(runs[0] - back).mean())
    total = summarize(measure(dataset))
    assert float(total["mae"].sel(level=9, variable="velocity")) == pytest.approx(np.mean(expected), rel=1e-9)


def test_errors_of_the_ten_levels_rise_strictly_from_exactly_zero(eq10: Path) -> None:
    errors = measure(open_dataset(eq10))
    velocity = summarize(errors)["mae"].sel(variable="velocity").values
    assert velocity[0] == 0
    assert not errors["mae"].isel(level=0).any()
    assert (np.diff(velocity) > 0).all()
    assert velocity[9] == pytest.approx(0.761, abs=0.001)


def test_frames_are_chosen_by_position(eq3: Path) -> None:
    dataset = open_dataset(eq3)
    errors = measure(dataset, frames=slice(10, -1))
    assert errors["time"].values.tolist() == list(range(20, 59))
    np.testing.assert_array_equal(errors["mae"], measure(dataset)["mae"].isel(time=slice(10, -1)))


def test_reading_in_pieces_changes_nothing(eq3: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(eq3).isel(time=slice(0, 8))
    whole = measure(dataset)
    monkeypatch.setattr(differences, "VALUES_AT_ONCE", 3 * 64 * 64)
    xr.testing.assert_identical(whole, measure(dataset))


def test_orbits_are_averaged(noise: np.ndarray) -> None:
    near, far = family(noise, shift=0.5), family(noise, shift=1.5)
    far["orbit"] = far["orbit"] + 1
    total = summarize(measure(xr.concat([near, far], "run")))
    assert float(total["mae"].sel(variable="smoke", level=0)) == pytest.approx(1.0)


def test_each_run_is_measured_against_the_first_one_of_its_own_orbit(noise: np.ndarray) -> None:
    near, far = family(noise, shift=0.5), family(noise, shift=1.5)
    far["orbit"] = far["orbit"] + 1
    mae = measure_runs(xr.concat([near, far], "run"))["mae"].sel(variable="smoke").mean("time")
    np.testing.assert_allclose(mae, [np.nan, 0.5, 0.5, 0.5, np.nan, 1.5, 1.5, 1.5])


def test_what_cannot_be_measured_is_refused(noise: np.ndarray) -> None:
    dataset = family(noise)
    with pytest.raises(MeasureError, match="each orbit has one run"):
        measure(dataset.isel(run=[0]))
    with pytest.raises(MeasureError, match=r"its first run \(identity\) is missing"):
        measure(dataset.isel(run=[1, 2]))
    with pytest.raises(MeasureError, match="frames: no stored frame is chosen, got 90:"):
        measure(dataset, frames=slice(90, None))
    with pytest.raises(MeasureError, match="no dim time"):
        measure(dataset.isel(time=2))
    with pytest.raises(MeasureError, match="no field to measure"):
        measure(dataset[["smoke"]].rename(smoke="density"))


def test_a_part_of_the_box_is_refused(eq3: Path) -> None:
    """It would rotate about its own centre, and a symmetric level would seem broken."""
    with pytest.raises(MeasureError, match="do not cover the whole box, got 8 of 64 cells along x"):
        measure(open_dataset(eq3).isel(x=slice(0, 8), y=slice(0, 8)))


def test_an_error_beside_no_motion_at_all_is_infinite_not_zero(noise: np.ndarray) -> None:
    total = summarize(measure(family(np.zeros_like(noise), shift=0.5)[["smoke"]]))
    assert total["relative"].item() == np.inf
    assert summarize(measure(family(np.zeros_like(noise))[["smoke"]]))["relative"].item() == 0


@pytest.mark.parametrize(
    ("part", "found"),
    [({"x": slice(1, -1)}, "62 of 64 cells along x"), ({"y": slice(1, -1)}, "62 of 64 cells along y")],
)
def test_a_part_in_the_middle_is_refused_too(eq3: Path, part: dict[str, slice], found: str) -> None:
    """It rotates about the same centre, but a shift would wrap around at its edges."""
    with pytest.raises(MeasureError, match=f"do not cover the whole box, got {found}"):
        measure(open_dataset(eq3).isel(part))
