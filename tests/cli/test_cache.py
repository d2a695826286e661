"""`phigen cache` shows what is kept and clears it, and a folder that cannot be used is one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from phigen.simulation import cache_folder
from tests.shared.command import run_here, succeeds_here


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program and the code that was compiled of it."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    made = cache_folder.usable()
    assert made is not None
    (made / "xla").mkdir()
    for name, size, used in [("a.program", 1_500_000, 86400), ("xla/b-cache", 500_000, 0), ("xla/c-cache", 0, 1)]:
        (made / name).write_bytes(bytes(size))
        os.utime(made / name, (used, used))
    return made


def test_what_is_kept_is_shown_by_kind(folder: Path) -> None:
    first, _, *table = succeeds_here("cache").splitlines()
    assert first == f"{folder}: 3 files with 2.0 MB, of at most 1000 MB"
    assert [line.split() for line in table if "MB" in line] == [
        ["compiled", "code", "2", "0.5", "MB", "1970-01-01T00:00:01+00:00"],
        ["traced", "programs", "1", "1.5", "MB", "1970-01-02T00:00:00+00:00"],
    ]


def test_json_says_the_same(folder: Path) -> None:
    shown = json.loads(succeeds_here("cache", "--json"))
    assert shown["path"] == str(folder)
    assert (shown["usable"], shown["cleared"]) == (True, False)
    assert shown["most_bytes"] == cache_folder.MOST_BYTES
    assert [(row["kept"], row["files"], row["bytes"]) for row in shown["contents"]] == [
        ("compiled code", 2, 500_000),
        ("traced programs", 1, 1_500_000),
    ]


def test_clearing_says_what_was_removed(folder: Path) -> None:
    assert succeeds_here("cache", "--clear") == f"{folder}: cleared, 3 files with 2.0 MB\n"
    assert cache_folder.contents(folder) == []
    assert succeeds_here("cache") == f"{folder}: 0 files with 0.0 MB, of at most 1000 MB\n"


def test_a_folder_of_something_else_is_not_cleared(folder: Path) -> None:
    (folder / "CACHEDIR.TAG").unlink()
    done = run_here("cache", "--clear")
    assert done.exit_code == 1
    assert done.stderr == f"{folder}: was not made by phigen, it has no CACHEDIR.TAG; nothing is removed\n"
    assert len(cache_folder.contents(folder)) == 3


def test_a_folder_that_is_not_used_is_shown_and_says_why(folder: Path) -> None:
    folder.chmod(0o755)
    cache_folder._checked.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        done = run_here("cache", "--json")
    assert json.loads(done.stdout)["usable"] is False
    assert done.stderr == (
        f"{folder}: is open to other users, got mode 755 for 700, so compiled programs are not kept and builds start "
        "later; remove it\n"
    )


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    assert json.loads(succeeds_here("cache", "--json"))["contents"] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_build_whose_programs_cannot_be_kept_says_so_in_one_line_and_is_finished(
    workers: int, small_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache" / "phigen").mkdir(parents=True)
    place = tmp_path / "cache" / "phigen" / "programs"
    place.write_text("")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    options = ["--out", str(tmp_path / "s.zarr"), "--workers", str(workers)]
    done = subprocess.run(
        [sys.executable, "-m", "phigen", "build", str(small_file), *options],
        env=environment | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        f"{place}: is not a folder, so compiled programs are not kept and builds start later; move it away"
    ]
