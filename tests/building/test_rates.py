"""What was measured of a machine is kept for it alone, and never believed when it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from phigen.building import rates
from phigen.building.rates import BUILT_IN
from phigen.recipe.grid import Boundaries
from phigen.simulation import cache_folder
from phigen.simulation.cache_folder import CacheWarning

CLOSED: Boundaries = (("closed", "closed"), ("closed", "closed"))
AROUND: Boundaries = (("periodic", "periodic"), ("periodic", "periodic"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache folder of this test is."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "phigen" / "programs"


def test_what_was_measured_is_kept_and_shown_and_cleared_with_the_programs(folder: Path) -> None:
    assert rates.kept() is None
    assert rates.of_this_machine() is BUILT_IN
    measured = BUILT_IN._replace(imports=0.5)
    rates.keep(measured)
    assert rates.of_this_machine() == rates.kept() == measured
    (kept,) = cache_folder.contents(folder)
    assert kept.kind == "speed of this machine"
    assert cache_folder.clear(folder) == [kept]
    assert rates.kept() is None


@pytest.mark.parametrize(
    ("what", "value"), [("_processor", lambda: "another"), ("_PACKAGES", ("phigen",)), ("os.cpu_count", lambda: 1234)]
)
def test_another_machine_or_version_is_measured_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: str, value: object
) -> None:
    rates.keep(BUILT_IN)
    monkeypatch.setattr(f"phigen.building.rates.{what}", value)
    assert rates.kept() is None


@pytest.mark.parametrize("damaged", ["", "[]", "{}", '{"imports": 1}', '{"speed": 1}', "\x00", '{"imports": "x"}'])
def test_what_is_damaged_is_measured_anew(folder: Path, damaged: str) -> None:
    rates.keep(BUILT_IN)
    (file,) = folder.glob("*.rates")
    file.write_text(damaged)
    assert rates.kept() is None


@pytest.mark.parametrize("value", ["NaN", "-1", "Infinity"])
def test_a_number_that_is_no_time_is_measured_anew(folder: Path, value: str) -> None:
    rates.keep(BUILT_IN)
    (file,) = folder.glob("*.rates")
    file.write_text(file.read_text().replace(str(BUILT_IN.trace), value))
    assert rates.kept() is None


def test_nothing_is_kept_in_a_folder_that_is_open_to_others(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with pytest.warns(CacheWarning, match="is open to other users"):
        rates.keep(BUILT_IN)
    assert rates.kept() is None
    assert list(folder.iterdir()) == []


def test_a_disk_that_fills_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    assert cache_folder.usable() is not None
    monkeypatch.setattr(rates, "written_whole", full)
    with pytest.warns(CacheWarning, match="cannot be written \\(No space left on device\\)"):
        rates.keep(BUILT_IN)


def test_a_step_costs_cells_and_on_large_grids_more() -> None:
    def of(cells: int, steps: int = 10, precision: str = "double", sides: Boundaries = CLOSED) -> float:
        return BUILT_IN.simulation((cells, cells), steps=steps, precision=precision, boundaries=sides)

    assert of(64, steps=20) == pytest.approx(2 * of(64))
    assert 4 < of(128) / of(64) < of(256) / of(128)
    assert of(64, precision="single") < of(64) < of(64, sides=AROUND)
