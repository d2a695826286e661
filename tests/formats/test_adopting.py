"""Other people's data are measured as what they are, whatever they call it and however they store it."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.cli.measurement import _opened_as
from phigen.errors import FormatError, MeasureError, StoreError
from phigen.formats import adopting as foreign
from phigen.formats.adopting import adopt
from phigen.formats.foreign_files import is_foreign, read
from phigen.measurement.data_error import measure, summarize
from phigen.measurement.tables import rows_over_time
from phigen.pictures.preview import _Picture
from phigen.recipe.loading import parse
from phigen.store.reading import open as open_dataset
from phigen.symmetry.point_groups import POINT_GROUPS, turn
from tests.shared.command import phigen, succeeds
from tests.shared.recipes import SMALL

SHEAR, DRIFT = 0.03, 0.2


def jet(*, shear: float = SHEAR, drift: float = DRIFT, columns: int = 24) -> xr.Dataset:
    """A wavy jet along the equator, its own mirror image but for a shear u += shear y and a drift v += drift.

    The rows go from north to south, as those of most oceans do.
    """
    time, lat, lon = np.arange(4), np.linspace(10, -10, 21), np.arange(columns) * 0.5
    t, y, x = np.meshgrid(time, lat, lon, indexing="ij")
    u = np.exp(-((y / 3) ** 2)) * (1 + 0.1 * np.sin(x + t)) + shear * y
    v = 0.3 * y * np.exp(-((y / 3) ** 2)) * np.cos(x + t) + drift
    return xr.Dataset(
        {"uo": (("time", "lat", "lon"), u, {"units": "m s-1"}), "vo": (("time", "lat", "lon"), v, {"units": "m s-1"})},
        coords={
            "time": ("time", time, {"units": "days since 1950-01-01", "calendar": "360_day"}),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
        attrs={"title": "a jet"},
    )


def expected() -> float:
    """Half of the mean |2 shear y|, for u, and half of 2 drift, for v."""
    return SHEAR * float(np.abs(np.linspace(10, -10, 21)).mean()) + DRIFT


def mae(dataset: xr.Dataset, **described: Any) -> float:
    return float(summarize(measure(adopt(dataset, **described)))["mae"].sel(variable="velocity", level=0))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("kind", ["netCDF4", "netCDF3", "zarr 2", "zarr 2 consolidated", "zarr 3"])
def test_a_known_breaking_of_a_jet_has_its_closed_form(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "jet"
    if kind.startswith("zarr"):
        jet().to_zarr(path, zarr_format=int(kind[5]), consolidated="consolidated" in kind)  # type: ignore[call-overload]
    else:
        jet().to_netcdf(path, engine="scipy" if kind == "netCDF3" else "h5netcdf")
    assert is_foreign(path)
    found = read(path)
    assert mae(found, group="D1_y") == pytest.approx(expected(), rel=1e-12)
    assert mae(found.drop_attrs(), group="D1_y") == pytest.approx(expected(), rel=1e-12)


def test_a_jet_that_is_its_mirror_image_has_no_error() -> None:
    assert mae(jet(shear=0, drift=0), group="D1_y") < 1e-15
    assert mae(jet(shear=0, drift=0), group="D1_x") > 0.01


def test_the_command_line_measures_and_draws_a_file(tmp_path: Path) -> None:
    path = tmp_path / "jet.nc"
    jet().assign(speed=np.hypot(jet().uo, jet().vo)).to_netcdf(path)
    printed = json.loads(succeeds("measure", path, "--group", "D1_y", "--scalar", "speed", "--json"))
    assert printed["frames"] == [0, 1, 2, 3]
    by_variable = {row["variable"]: row for row in printed["errors"]}
    assert by_variable["velocity"]["mae_by_element"] == {"mirror_y": pytest.approx(expected())}
    assert by_variable["speed"]["mae"] > 0
    assert printed["compared"] == 1
    named = ("--velocity", "vo,uo", "--dims", "time,lon,lat", "--frames", "1:3")
    table = succeeds("measure", path, "--group", "D1_x", *named, "--over-time")
    assert table.count("velocity") == 2
    assert "compared" not in table
    drawn = Path(succeeds("preview", path, "--group", "D2", "--scalar", "speed").strip())
    assert drawn == tmp_path / "jet.png"
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_a_picture_shows_the_mirror_image_and_leaves_land_blank() -> None:
    ocean = jet().where(jet().lon > 2)
    picture = _Picture.of(adopt(ocean, group="D1_y"), None, None)
    speed = np.hypot(ocean.uo, ocean.vo).values[:, ::-1]
    np.testing.assert_allclose(picture.films[0].values, speed)
    np.testing.assert_allclose(picture.films[3].values, speed[:, ::-1])
    assert np.isnan(picture.films[0].values[..., 0]).all()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("built") / "small.zarr"
    build(parse(SMALL), path, workers=1)
    return path


def test_phigens_own_data_have_the_same_errors_from_netcdf(built: Path, tmp_path: Path) -> None:
    own = open_dataset(built)
    own.drop_attrs().to_netcdf(tmp_path / "export.nc")
    exported = read(tmp_path / "export.nc")
    assert set(exported["element"].values) == {*POINT_GROUPS["C4"]}
    errors, known = measure(adopt(exported, scalar="smoke")), measure(own)
    for name, values in known.items():
        np.testing.assert_array_equal(errors[name], values)
    bare = exported.drop_vars(["element", "level", "orbit"]).isel(run=slice(4, 8))
    errors = measure(adopt(bare, elements=POINT_GROUPS["C4"]))
    np.testing.assert_array_equal(errors["mae"][0, 0], known["mae"].sel(level=1, variable="velocity"))


def test_phigens_own_data_may_be_compared_with_their_own_images(built: Path) -> None:
    """The plume of every run rises along its own axis: it is its mirror image in one of the two, but for rounding."""
    errors = measure(_opened_as(str(built), {"group": "D2"})[0])
    assert errors["level"].values.tolist() == [0, 1]
    assert errors["mae"].max() > 1e-3
    upright = _opened_as(str(built), {"group": "D1_x"})[0].isel(run=slice(0, 2))
    assert measure(upright)["mae"].max() < 1e-5


def test_runs_of_several_orbits_are_identified_by_their_elements() -> None:
    first = xr.Dataset({"velocity": (("time", "component", "y", "x"), noise(3, 2, 6, 6))})
    runs = [turn(first * scale, g) + shift for scale in (1, 2) for g, shift in (("identity", 0), ("rotate90", 0.5))]
    data = xr.concat(runs, "member").transpose("time", "y", "member", "x", "component")
    elements = ("identity", "rotate90")
    adopted = adopt(data, run_dim="member", elements=elements)
    assert adopted["orbit"].values.tolist() == [0, 0, 1, 1]
    assert adopted.attrs["group"] == "C4"
    assert mae(data, run_dim="member", elements=elements) == pytest.approx(0.5)
    labelled = data.assign_coords(element=("member", np.array([*elements] * 2, dtype=object)))
    assert mae(labelled, run_dim="member") == pytest.approx(0.5)
    own = adopt(labelled, run_dim="member", group="C2")
    assert own["element"].values.tolist() == [*POINT_GROUPS["C2"]] * 4
    assert own["orbit"].values.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_cells_without_a_value_are_left_out_with_their_images(tmp_path: Path) -> None:
    """Land north of 5 degrees has no partner in the south: a field with a jump only there is symmetric elsewhere."""
    sea = jet(shear=0)
    sea = sea.where(sea.lat <= 5)
    sea["vo"] = sea["vo"] + xr.where(sea.lat < -5, 100.0, 0.0)
    errors = measure(adopt(sea, group="D1_y"))
    np.testing.assert_allclose(errors["mae"], DRIFT, rtol=1e-12)
    np.testing.assert_allclose(errors["compared"], 11 / 21)
    sea.to_netcdf(tmp_path / "sea.nc")
    assert "compared: 52.4% of the values" in succeeds("measure", tmp_path / "sea.nc", "--group", "D1_y")
    gone = sea.where(sea.time != 2)
    by_frame = rows_over_time(measure(adopt(gone, group="D1_y")))
    assert [row["level 0"] is None for row in by_frame] == [False, False, True, False]
    with pytest.raises(MeasureError, match="two runs have no value in common"):
        measure(adopt(sea.where(sea.lat < -1), group="D1_y"))


def test_a_gap_in_phigens_own_data_is_never_passed_over(built: Path) -> None:
    dataset = open_dataset(built).load()
    dataset["velocity"][1, 2, 0, 3, 4] = np.nan
    assert np.isnan(measure(dataset)["mae"].values).any()


def test_reading_in_pieces_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jet().to_netcdf(tmp_path / "jet.nc")
    whole = measure(adopt(read(tmp_path / "jet.nc"), group="D2"))
    monkeypatch.setattr(foreign, "VALUES_AT_ONCE", 1)
    adopted = adopt(read(tmp_path / "jet.nc"), group="D2")
    assert adopted["velocity"].chunksizes["time"] == (1, 1, 1, 1)
    xr.testing.assert_identical(measure(adopted), whole)


def test_only_what_is_measured_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = xr.Dataset({name: (("time", "y", "x"), noise(200, 64, 64)) for name in ("u", "v")})
    long.to_netcdf(tmp_path / "long.nc")
    monkeypatch.setattr(foreign, "VALUES_AT_ONCE", 10 * 64 * 64)
    tracemalloc.start()
    try:
        adopt(read(tmp_path / "long.nc"), group="D1_y").isel(run=0, time=slice(0, 10)).load()
        assert tracemalloc.get_traced_memory()[1] < long.nbytes / 4
    finally:
        tracemalloc.stop()


def test_names_are_guessed_by_meaning_before_spelling() -> None:
    data = jet().rename(uo="a", vo="b", lat="north", lon="east", time="when")
    data["a"].attrs["standard_name"] = "eastward_sea_water_velocity"
    data["b"].attrs["standard_name"] = "northward_sea_water_velocity"
    data["stress"] = data["a"].assign_attrs(standard_name="surface_downward_eastward_stress")
    data["north"].attrs["standard_name"], data["east"].attrs["axis"] = "latitude", "X"
    data["when"].attrs["axis"] = "T"
    assert mae(data, group="D1_y") == pytest.approx(expected())
    plain = jet().drop_vars(["time", "lat", "lon"]).rename(uo="U", vo="V", lat="y", lon="x", time="t")
    assert mae(plain.isel(y=slice(None, None, -1)), group="D1_y") == pytest.approx(expected())
    assert mae(jet().isel(time=0), group="D1_y") == pytest.approx(expected())
    assert mae(jet().expand_dims(depth=[0.5]), group="D1_y") == pytest.approx(expected())


def test_one_variable_may_hold_both_components() -> None:
    both = jet().to_dataarray("direction", name="flow").transpose("lat", "lon", "direction", "time").to_dataset()
    assert mae(both, velocity="flow", group="D1_y") == pytest.approx(expected())
    with pytest.raises(MeasureError, match=r"needs a dim of length 2 for its components, got flow \(lat, lon, time\)"):
        adopt(both.isel(direction=0), velocity="flow", group="D1_y")


def test_a_velocity_of_complex_numbers_is_refused() -> None:
    with pytest.raises(MeasureError, match="velocity: uo must be real numbers, got complex128; name another variable"):
        adopt(jet().astype(complex), group="D1_y")


def test_a_rotation_by_90_degrees_of_a_square_is_measured() -> None:
    """Of an array and its transpose, which dask alone would take for the same array."""
    u = noise(8, 8)
    v = u.T
    square = xr.Dataset({"u": (("y", "x"), u), "v": (("y", "x"), v)})
    assert mae(square, group="D1_diagonal") == 0
    back_u, back_v = v[:, ::-1].T, -u[:, ::-1].T
    by_hand = (np.abs(u - back_u).mean() + np.abs(v - back_v).mean()) / 2
    assert float(measure(adopt(square, group="C4"))["mae"].sel(element="rotate90").item()) == pytest.approx(by_hand)


def test_hdf5_that_names_no_dims_is_read_by_theirs(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["u"], file["v"] = noise(2, 3, 5, 7)
    data = read(tmp_path / "plain.h5")
    assert mae(data, dims=[f"phony_dim_{i}" for i in range(3)], group="D1_y") > 0


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to compare": ({}, r"nothing says what to compare, got uo \(time, lat, lon\), vo .*; --group D1_y"),
    "both": ({"group": "D1_y", "elements": ["identity"]}, "group, elements: .*, got both"),
    "no such variable": (
        {"velocity": ("u", "v")},
        r"u: is not a variable of the dataset, which has uo \(time, lat, ",
    ),
    "no such scalar": ({"scalar": "sst"}, "sst: is not a variable of the dataset"),
    "no such dim": ({"dims": ("t", "lat", "lon")}, "dims: uo has time, lat, lon, got t,lat,lon; name time"),
    "no such run dim": ({"run_dim": "member"}, "run_dim: must be a dim of uo, got member; choose from time, lat, lon"),
    "no such group": ({"group": "C8"}, "group: must be a group of rotations and reflections, got C8; choose from C2"),
    "the trivial group": ({"group": "C1"}, "got C1"),
    "a rotation by 90 degrees of an oblong": (
        {"group": "C4"},
        "rotate90: needs a square box, got 24 x 21 cells; .* D1_x, D1_y",
    ),
    "no element's name": (
        {"run_dim": "time", "dims": ("lat", "lon"), "elements": ["identity", "turn"]},
        "got turn; choose from identity",
    ),
    "too few elements": ({"run_dim": "time", "dims": ("lat", "lon"), "elements": ["identity"] * 3}, "4 runs, got 3"),
    "too many elements": ({"run_dim": "time", "dims": ("lat", "lon"), "elements": ["identity"] * 5}, "4 runs, got 5"),
    "a dim too many": ({"dims": ("lat", "lon")}, "got time of length 4; name it with --run-dim"),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_is_not_said_or_cannot_be_is_refused(mistake: str) -> None:
    described, message = REFUSED[mistake]
    with pytest.raises(MeasureError, match=message) as caught:
        adopt(jet(), **described)
    assert "\n" not in str(caught.value)


def test_grids_that_do_not_fit_are_refused() -> None:
    uneven = jet().isel(lat=[0, 1, 2, 4, 7])
    with pytest.raises(MeasureError, match=r"lat: the cells differ in size; resample"):
        adopt(uneven, group="D1_y")
    with pytest.raises(MeasureError, match=r"rotate90: needs square cells, got 0\.5 x 1; "):
        adopt(jet(columns=21), group="C4")
    assert mae(jet(columns=21), group="D2") > 0
    single = jet().assign_coords(lon=(360 + jet().lon / 10).astype(np.float32))
    assert mae(single, group="D1_y") == pytest.approx(expected())
    staggered = jet().assign(vo=jet()["vo"].rename(lat="lat_v").drop_vars("lat_v"))
    with pytest.raises(MeasureError, match=r"on the same cells, got uo \(time, lat, lon\) and vo \(time, lat_v, lon\)"):
        adopt(staggered, group="D1_y")


def test_guesses_are_made_only_where_there_is_one() -> None:
    two = jet().assign(u=jet()["uo"], v=jet()["vo"])
    with pytest.raises(MeasureError, match=r"it may be u,v or uo,vo, got .*; name its two components"):
        adopt(two, group="D1_y")
    with pytest.raises(MeasureError, match=r"no variable has a name or .* velocity, got a \(time, lat, lon\)"):
        adopt(jet().rename(uo="a", vo="b"), group="D1_y")
    with pytest.raises(MeasureError, match="dims: no dim is known as y, got time, rows, lon; name them"):
        adopt(jet().drop_attrs().rename(lat="rows"), group="D1_y")
    assert mae(jet().rename(lat="rows"), group="D1_y") == pytest.approx(expected())  # by its units, degrees_north
    twice = jet().assign(uo=jet()["uo"].expand_dims(step=3), vo=jet()["vo"].expand_dims(step=3))
    with pytest.raises(MeasureError, match="time may be step or time, got"):
        adopt(twice, group="D1_y")


@pytest.mark.parametrize("content", [b"", b"name: small\n", b"\x89HDF\r\n\x1a\n cut off"])
def test_files_of_another_kind_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.nc").write_bytes(content)
    with pytest.raises(FormatError, match=r"x\.nc: cannot be read, "):
        read(tmp_path / "x.nc")


@pytest.mark.parametrize(
    ("options", "status"),
    [((), 1), (("--group", "D1_y", "--rounding-floor"), 1), (("--velocity", "u,"), 2)],
)
def test_a_mistake_on_the_command_line_is_reported_once(options: tuple[str, ...], status: int, tmp_path: Path) -> None:
    jet().to_netcdf(tmp_path / "jet.nc")
    done = phigen("measure", tmp_path / "jet.nc", *options)
    assert (done.returncode, done.stdout) == (status, "")
    assert "Traceback" not in done.stderr
    assert "phigen failed" not in done.stderr
    if status == 1:
        assert len(done.stderr.splitlines()) == 1


def test_stores_of_phigen_are_told_apart_from_others(built: Path, tmp_path: Path) -> None:
    assert not is_foreign(built)
    assert not is_foreign(tmp_path)
    assert not is_foreign(tmp_path / "none.zarr")
    with pytest.raises(StoreError, match="no such dataset"):
        _opened_as(str(tmp_path / "none.zarr"), {"group": "D1_y"})
