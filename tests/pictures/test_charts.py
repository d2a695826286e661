"""Charts show each level's error and the rounding floor, and say where one is exactly zero."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from phigen.errors import StoreError
from phigen.pictures.charts import draw_rounding_floor


def errors(*levels: float) -> xr.Dataset:
    """A constant error for each level."""
    mae = np.array(levels)[:, None, None, None] * np.ones((1, 2, 3, 5))
    coords = {"level": np.arange(len(levels)), "variable": ["smoke", "velocity"], "time": np.arange(5)}
    return xr.Dataset({"mae": (("level", "variable", "element", "time"), mae)}, coords=coords)


@pytest.mark.parametrize(("rounding", "name"), [(1e-5, "rounding floor"), (0.0, "rounding floor, zero in float32")])
def test_curves_are_labelled(rounding: float, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k)))
    draw_rounding_floor(errors(0, 0.125), errors(rounding), "small 1.0.0", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    first, second = drawn[0].axes
    assert [line.get_label() for line in first.get_lines()] == ["level 0, exact", "level 1", name]
    np.testing.assert_array_equal(second.get_lines()[1].get_ydata(), np.full(5, 0.125))


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match=r"a\.png: cannot be written, .*; choose another place with --out") as caught:
        draw_rounding_floor(errors(0.1), errors(0), "small", tmp_path / "file" / "a.png")
    assert "\n" not in str(caught.value)
