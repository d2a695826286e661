"""The picture shows the values of the dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from phigen.errors import MeasureError, StoreError
from phigen.measurement.data_error import measure
from phigen.pictures import preview as drawing
from phigen.pictures.preview import _Picture, preview
from phigen.store.reading import open as open_dataset


def test_plumes_in_the_reference_frame_and_every_levels_error_are_drawn(eq3: Path) -> None:
    dataset = open_dataset(eq3)
    picture = _Picture.of(dataset, 9.0, None)
    above, below = picture.films[::2], picture.films[1::2]
    smoke = dataset["smoke"].isel(run=slice(8, 12)).values
    for run, film in enumerate(above):
        np.testing.assert_array_equal(film.values, smoke[run])
    np.testing.assert_array_equal(below[1].values, np.rot90(smoke[1], -1, axes=(-1, -2)))
    lines = [marker.axes.get_lines() for marker in picture.markers]
    curves = measure(dataset)["mae"].mean("element")
    for variable, drawn in zip(("smoke", "velocity"), lines, strict=True):
        for line, level in zip(drawn, (0, 2, 9), strict=False):
            np.testing.assert_array_equal(line.get_ydata(), curves.sel(variable=variable, level=level))
    assert lines[0][0].get_label() == "0, exact"


def test_errors_that_are_known_are_drawn_and_not_measured_again(
    sharded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset(sharded)
    errors = measure(dataset)
    measured = preview(dataset, tmp_path / "measured.png").read_bytes()

    def refuse(_: xr.Dataset) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(drawing, "measure", refuse)
    assert preview(dataset, tmp_path / "known.png", errors=errors).read_bytes() == measured


def test_a_film_moves_and_ends_with_the_last_frame(eq3: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []
    show = _Picture.show
    monkeypatch.setattr(_Picture, "show", lambda self, position: (shown.append(int(position)), show(self, position)))
    monkeypatch.setattr(drawing, "FRAMES_OF_A_FILM", 6)
    with Image.open(preview(open_dataset(eq3).isel(time=slice(0, 8)), tmp_path / "a.gif")) as film:
        assert film.n_frames == 6
        first = np.asarray(film.convert("RGB")).astype(int)
        film.seek(5)
        assert np.abs(np.asarray(film.convert("RGB")) - first).sum() > 0
    assert shown[1:] == [0, 1, 3, 4, 6, 7]


def test_speed_is_drawn_where_no_smoke_is_stored(eq3: Path) -> None:
    dataset = open_dataset(eq3)[["velocity"]]
    picture = _Picture.of(dataset, None, None)
    speed = np.hypot(*np.moveaxis(dataset["velocity"].isel(run=4).values, 1, 0))
    np.testing.assert_allclose(picture.films[0].values, speed, rtol=1e-6)


def faced(eq3: Path) -> xr.Dataset:
    """The stored centres as faces that have them as means: each face has the value of the centre below it."""
    dataset = open_dataset(eq3).isel(time=slice(0, 2))
    x, y = (dataset["velocity"].isel(component=i).values for i in (0, 1))
    faces = {
        "velocity_x": (("run", "time", "y", "x_face"), np.concatenate([x, x[..., -1:]], axis=-1)),
        "velocity_y": (("run", "time", "y_face", "x"), np.concatenate([y, y[..., -1:, :]], axis=-2)),
    }
    return dataset.drop_vars(list(dataset.data_vars)).assign(faces)


def test_speed_in_cell_centres_is_drawn_of_faces(eq3: Path) -> None:
    dataset = faced(eq3)
    x, y = (dataset[name].isel(run=4).values.astype(float) for name in ("velocity_x", "velocity_y"))
    speed = np.hypot((x[..., 1:] + x[..., :-1]) / 2, (y[..., 1:, :] + y[..., :-1, :]) / 2)
    np.testing.assert_allclose(_Picture.of(dataset, None, None).films[0].values, speed, rtol=1e-6)


def test_the_pressure_is_drawn_where_nothing_else_is_stored(eq3: Path) -> None:
    dataset = open_dataset(eq3)[["smoke"]].isel(time=slice(0, 2)).rename(smoke="pressure")
    np.testing.assert_array_equal(
        _Picture.of(dataset, 0.0, None).films[0].values, dataset["pressure"].isel(run=0).values
    )


def test_a_single_run_is_drawn_without_an_error(eq3: Path) -> None:
    picture = _Picture.of(open_dataset(eq3).isel(run=[0], time=slice(0, 2)), None, None)
    assert len(picture.films) == 2
    assert not picture.markers


def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(eq3: Path, tmp_path: Path) -> None:
    dataset = open_dataset(eq3)
    with pytest.raises(StoreError, match=r"must end in \.png or \.gif, got \.pdf"):
        preview(dataset, tmp_path / "a.pdf")
    with pytest.raises(MeasureError, match="level: the dataset has 0, 2, 9, got 1"):
        preview(dataset, tmp_path / "a.png", level=1)
    with pytest.raises(MeasureError, match="no field to draw, got courant"):
        preview(dataset[["courant"]], tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
