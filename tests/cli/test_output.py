"""What the command line prints."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from phigen.cli.output import MOST_FRAMES, progress_bars, spell, thinned


def test_thinned_rows_keep_the_first_and_the_last_frame_of_each_variable() -> None:
    rows = [{"variable": variable, "frame": frame} for variable in "ab" for frame in range(100)]
    kept = thinned(rows, 2)
    assert len(kept) == 2 * MOST_FRAMES
    assert [row["frame"] for row in kept if row["variable"] == "b"][:: MOST_FRAMES - 1] == [0, 99]


def test_facts_are_spelled_with_commas_and_six_digits() -> None:
    assert spell([0.1234567, "two\nlines"]) == "0.123457, two lines"
    assert spell({"train": 8, "test": 2}) == "train 8, test 2"


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_build_that_continues_says_after_how_many_runs() -> None:
    with redirect_stderr(Terminal()) as terminal, progress_bars() as progress:
        progress("simulating", 3, 8)
        progress("simulating", 8, 8)
    assert "continuing after 3 of 8 runs" in terminal.getvalue()
    assert "8/8" in terminal.getvalue()


def test_a_stage_with_nothing_to_do_shows_no_bar() -> None:
    with redirect_stderr(Terminal()) as terminal, progress_bars() as progress:
        progress("simulating", 8, 8)
    assert terminal.getvalue() == ""


def test_bars_are_hidden_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        progress("simulating", 3, 8)
    assert capsys.readouterr().err == ""
