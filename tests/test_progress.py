"""The callback that shows nothing shows nothing."""

from __future__ import annotations

import pytest

from phigen.progress import Progress, silent


def test_the_silent_callback_is_a_progress_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress: Progress = silent
    progress("simulating", 1, 2)
    assert capsys.readouterr() == ("", "")
