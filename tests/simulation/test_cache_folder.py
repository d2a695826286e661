"""The folder of compiled programs is used only if its user alone can have written there; it is bounded and cleared."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

from phigen.errors import PhigenError
from phigen.simulation import cache_folder
from phigen.simulation.cache_folder import CacheWarning
from phigen.simulation.separate_process import own_process

SO = ", so compiled programs are not kept and builds start later; "


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the folder of programs of this test would be."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "phigen" / "programs"


def kept_in(folder: Path, name: str, *, used: int, size: int = 10) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (used, used))
    return path


def refused(folder: Path) -> str:
    """Return why a folder is not used."""
    with pytest.warns(CacheWarning) as said:
        assert cache_folder.usable() is None
    (line,) = (str(warning.message) for warning in said)
    assert line.startswith(f"{folder}: ")
    assert SO in line
    assert "\n" not in line
    return line


def test_it_is_made_for_its_user_alone_and_tagged_as_a_cache(folder: Path) -> None:
    before = os.umask(0)
    try:
        assert cache_folder.usable() == folder
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in folder.iterdir()] == ["CACHEDIR.TAG"]
    assert (folder / "CACHEDIR.TAG").read_text() == "Signature: 8a477f597d28d172789f06886806bc55\n"


def test_processes_that_make_it_at_once_all_use_it(folder: Path) -> None:
    found: list[Path | None] = []
    check = cache_folder._checked.__wrapped__
    threads = [threading.Thread(target=lambda: found.append(check(folder))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [folder] * 20


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_one_that_is_open_to_others_is_not_used(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    line = refused(folder)
    assert f": is open to other users, got mode {mode:o} for 700, so " in line
    assert line.endswith("; remove it")
    assert list(folder.iterdir()) == []


def test_one_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(parents=True, mode=0o700)
    owner = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: owner + 1)
    line = refused(folder)
    assert f": belongs to another user, got uid {owner} for {owner + 1}, so " in line
    assert line.endswith("; set XDG_CACHE_HOME to your own")


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    assert refused(folder) == f"{folder}: is not a folder{SO}move it away"


def test_one_that_holds_something_else_is_not_used_and_not_cleared(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "thesis.tex").write_text("")
    (folder / "concert.program").write_text("")
    assert refused(folder) == f"{folder}: holds files of something else{SO}move them away"
    with pytest.raises(PhigenError, match=r"programs: was not made by phigen, it has no CACHEDIR\.TAG; nothing is"):
        cache_folder.clear(folder)
    assert len(list(folder.iterdir())) == 2


def test_a_file_in_its_place_is_named_once_in_a_process_and_simulations_go_on(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("")
    assert refused(folder) == f"{folder}: is not a folder{SO}move it away"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cache_folder.usable() is None
    assert folder.read_text() == ""


def test_one_that_cannot_be_made_says_why(folder: Path) -> None:
    folder.parent.write_text("")
    assert refused(folder) == f"{folder}: cannot be written (File exists){SO}make room, or repair its permissions"


WARNED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
from phigen.simulation.separate_process import own_process
print("JAX_COMPILATION_CACHE_DIR" in own_process())
"""


def test_a_disk_or_quota_without_room_for_a_program_is_seen_before_it_is_needed(tmp_path: Path) -> None:
    """A limit on the size of files fails as a full disk does, when the file is written."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-c", WARNED],
        env=environment | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
    assert f"programs: cannot be written (File too large){SO}make room, or repair its permissions\n" in done.stderr


def test_jax_keeps_compiled_code_there_unless_the_user_says_otherwise(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    assert own_process()["JAX_COMPILATION_CACHE_DIR"] == str(folder / "xla")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/elsewhere")
    assert own_process()["JAX_COMPILATION_CACHE_DIR"] == "/elsewhere"


def test_what_was_used_longest_ago_is_removed_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder.usable() == folder
    old, older, new = (
        kept_in(folder, name, used=used) for name, used in [("a.program", 20), ("xla/b-cache", 10), ("c.program", 30)]
    )
    monkeypatch.setattr(cache_folder, "MOST_BYTES", 30)
    cache_folder.bound(folder)
    assert [file.path for file in cache_folder.contents(folder)] == [older, old, new]
    monkeypatch.setattr(cache_folder, "MOST_BYTES", 25)
    cache_folder.bound(folder)
    assert [file.path for file in cache_folder.contents(folder)] == [old, new]
    monkeypatch.setattr(cache_folder, "MOST_BYTES", 10)
    cache_folder.bound(folder)
    assert [file.path for file in cache_folder.contents(folder)] == [new]


def test_clearing_removes_what_phigen_and_jax_keep_and_nothing_else(folder: Path) -> None:
    assert cache_folder.clear(folder) == []
    assert cache_folder.usable() == folder
    for name in ("a.program", "xla/b-cache", "notes.txt"):
        kept_in(folder, name, used=10)
    assert {file.path.name for file in cache_folder.clear(folder)} == {"a.program", "b-cache"}
    assert {path.name for path in folder.iterdir()} == {"CACHEDIR.TAG", "notes.txt", "xla"}
    assert cache_folder.contents(folder) == []
