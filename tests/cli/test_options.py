"""Values of options that are more than text."""

from __future__ import annotations

import click
import pytest

from phigen.cli.options import Frames, Names


@pytest.mark.parametrize(
    ("text", "frames"), [("10:-1", slice(10, -1)), ("10:", slice(10, None)), (":20", slice(None, 20))]
)
def test_frames_are_a_slice_as_python_writes_it(text: str, frames: slice) -> None:
    assert Frames().convert(text, None, None) == frames


@pytest.mark.parametrize("text", ["ten", "1:2:3", "1", "1.5:2"])
def test_what_is_no_slice_says_how_to_write_one(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write it as 10:-1"):
        Frames().convert(text, None, None)


def test_names_have_commas_between_them_and_may_have_spaces() -> None:
    assert Names().convert("time, lat,lon", None, None) == ("time", "lat", "lon")


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="one of the names is empty"):
        Names().convert("u,,v", None, None)
