"""A machine is measured once, in processes that leave nothing behind."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path

import pytest

from phigen.building import fitting, rates
from phigen.building.fitting import fitted, rates_of_this_machine
from phigen.building.rates import BUILT_IN, Rates
from phigen.errors import PhigenError
from phigen.simulation.cache_folder import CacheWarning


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder of this test, and beside it one for temporary files."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "cache"


def test_every_number_is_measured_with_progress_and_nothing_else_is_left(cache: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    measured = rates_of_this_machine(progress=lambda *step: seen.append(step))
    assert all(math.isfinite(number) and number >= 0 for number in measured)
    assert all(1 / 50 < number / usual < 50 for number, usual in zip(measured[:2], BUILT_IN[:2], strict=True))
    assert seen[0] == ("measuring this machine", 0, 8)
    assert seen[-1] == ("measuring this machine", 8, 8)
    assert rates.kept() == measured
    assert [*(cache.parent / "temporary").iterdir()] == []
    left = [file.name for file in cache.rglob("*") if file.is_file()]
    assert [name for name in left if not name.endswith((".rates", ".TAG", "max_isa.json"))] == []


def test_what_is_kept_is_not_measured_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates.keep(BUILT_IN._replace(trace=3.0))
    monkeypatch.setattr(fitting, "fitted", None)
    assert rates_of_this_machine() == BUILT_IN._replace(trace=3.0)


def test_what_cannot_be_kept_is_not_measured(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "phigen" / "programs").mkdir(parents=True, mode=0o755)
    monkeypatch.setattr(fitting, "fitted", None)
    with pytest.warns(CacheWarning, match="is open to other users"):
        assert rates_of_this_machine() is BUILT_IN


def test_two_grids_tell_cells_from_cells_and_sides() -> None:
    found = {"imports": 1.0, "phiflow": 1, "trace": 2, "own_sampling": 0, "alone": 6e-9, "compared": 9e-9}
    small, large = 1e-7 + 64 * 2e-10, 1e-7 + 208 * 2e-10
    fit: Rates = fitting._rates(found | {"small": small, "large": large})
    assert (fit.cell, fit.cell_and_side) == (pytest.approx(1e-7), pytest.approx(2e-10))
    assert fit.compare == pytest.approx(3e-9)
    assert fitting._rates(found | {"small": large, "large": small}).cell_and_side == 0


def test_a_process_that_fails_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_START", "raise ValueError({cells} * 0, 'no jax')")
    with pytest.raises(PhigenError, match=r"^this machine cannot be measured: ValueError: \(0, 'no jax'\)$"):
        fitted()
    assert [*(cache.parent / "temporary").iterdir()] == []
    assert os.environ["XDG_CACHE_HOME"] == str(cache)
