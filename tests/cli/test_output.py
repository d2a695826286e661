"""What the command line prints."""

from __future__ import annotations

import sys

import pytest

from phigen.cli.output import MOST_FRAMES, progress_bars, spell, thinned


def test_thinned_rows_keep_the_first_and_the_last_frame_of_each_variable() -> None:
    rows = [{"variable": variable, "frame": frame} for variable in "ab" for frame in range(100)]
    kept = thinned(rows, 2)
    assert len(kept) == 2 * MOST_FRAMES
    assert [row["frame"] for row in kept if row["variable"] == "b"][:: MOST_FRAMES - 1] == [0, 99]


def test_facts_are_spelled_with_commas_and_six_digits() -> None:
    assert spell({"train": [0.1234567, 2]}) == "train 0.123457, 2"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    return capsys


def test_a_build_that_goes_on_says_after_how_many_runs(terminal: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        progress("simulating", 3, 8)
        progress("simulating", 8, 8)
    assert "continuing after 3 of 8 runs" in terminal.readouterr().err


def test_a_stage_with_nothing_to_do_shows_no_bar(terminal: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        progress("simulating", 8, 8)
    assert terminal.readouterr().err == ""


def test_bars_are_hidden_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        progress("simulating", 3, 8)
    assert capsys.readouterr().err == ""
