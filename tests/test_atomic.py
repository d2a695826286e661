"""What is written is there whole or not at all, and nothing is left of a writer that failed or was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from phigen import atomic
from phigen.atomic import remove_drafts, write_json, written_whole


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def test_a_file_appears_with_all_it_holds_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.png"
    with written_whole(target, replace=False) as draft:
        draft.write_text("whole")
        assert (draft.parent, draft.suffix) == (target.parent, ".png")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(tmp_path) == ["new", "new/a.png"]


def test_a_folder_appears_with_all_it_holds_when_the_block_ends(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a.zarr", replace=False) as draft:
        draft.mkdir()
        (draft / "one").write_text("1")
    assert names(tmp_path) == ["a.zarr", "a.zarr/one"]


def test_an_empty_folder_gives_way_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with written_whole(tmp_path / "a", replace=True) as draft:
        draft.mkdir()
        (draft / "one").write_text("1")
    assert names(tmp_path) == ["a", "a/one"]


@pytest.mark.parametrize("is_folder", [True, False])
def test_nothing_is_left_of_a_block_that_fails(is_folder: bool, tmp_path: Path) -> None:
    def fail(draft: Path) -> None:
        if is_folder:
            draft.mkdir()
        (draft / "half" if is_folder else draft).write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "a", replace=False) as draft:
        fail(draft)
    assert names(tmp_path) == []


def test_a_file_is_replaced_only_where_that_is_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_text("old")
    with (
        pytest.raises(FileExistsError, match="it is there already"),
        written_whole(target, replace=False),
    ):
        pytest.fail("the block must not be entered")
    assert target.read_text() == "old"
    with written_whole(target, replace=True) as draft:
        draft.write_text("new")
    assert (target.read_text(), names(tmp_path)) == ("new", ["a"])


def _write_both(draft: Path, target: Path) -> None:
    draft.write_text("mine")
    target.write_text("theirs")


def test_a_target_that_appears_while_the_draft_is_written_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with pytest.raises(FileExistsError), written_whole(target, replace=False) as draft:
        _write_both(draft, target)
    assert (target.read_text(), names(tmp_path)) == ("theirs", ["a"])


def test_a_link_that_leads_nowhere_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError), written_whole(tmp_path / "a", replace=False):
        pytest.fail("the block must not be entered")


KILLED = """\
import os, signal
from pathlib import Path
from phigen.atomic import written_whole

with written_whole(Path("a.zarr"), replace=False) as draft:
    draft.mkdir()
    (draft / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(atomic.__file__).parent.parent)}
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 2
    with written_whole(tmp_path / "b.zarr", replace=False) as draft:
        draft.mkdir()
    assert len(names(tmp_path)) == 3, "another target's draft is another writer's"
    with written_whole(tmp_path / "a.zarr", replace=False) as draft:
        draft.mkdir()
    assert names(tmp_path) == ["a.zarr", "b.zarr"]


def _write_with_another(draft: Path, target: Path) -> None:
    draft.write_text("earlier")
    with written_whole(target, replace=True) as other:
        other.write_text("later")
        assert draft.read_text() == "earlier"


def test_of_two_writers_of_one_target_the_one_that_ends_last_wins(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a", replace=True) as draft:
        _write_with_another(draft, tmp_path / "a")
    assert (tmp_path / "a").read_text() == "earlier"
    assert names(tmp_path) == ["a"]


def _make_both(draft: Path, target: Path) -> None:
    draft.mkdir()
    (draft / "one").write_text("1")
    with written_whole(target, replace=False) as other:
        other.mkdir()
        assert (draft / "one").read_text() == "1"


def test_a_living_writers_folder_keeps_all_it_holds(tmp_path: Path) -> None:
    """Removed under its writer, it could be made again by it and be moved into place without a part."""
    with pytest.raises(FileExistsError), written_whole(tmp_path / "a", replace=False) as draft:
        _make_both(draft, tmp_path / "a")
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [PermissionError, None])
def test_drafts_of_another_users_processes_and_of_other_machines_are_left_alone(
    error: type[OSError] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    left = atomic._draft_of(tmp_path / "a")
    left.touch()
    if error is None:
        monkeypatch.setattr("platform.node", lambda: "another")
    else:
        monkeypatch.setattr(os, "kill", refuse)
    with written_whole(tmp_path / "a", replace=True) as draft:
        draft.touch()
    assert left.exists()


def test_json_is_written_without_a_look_at_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store's manifest has a file for each run: reading the folder for each would take hours for 100,000 runs."""
    monkeypatch.setattr(os, "listdir", None)
    write_json(tmp_path / "a.json", 1)
    assert names(tmp_path) == ["a.json"]


def test_nothing_is_left_of_json_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_json(tmp_path / "a.json", 1)
    assert names(tmp_path) == ["a.json"]


def test_json_is_readable_and_the_same_for_the_same_value(tmp_path: Path) -> None:
    write_json(tmp_path / "below" / "a.json", {"b": 1, "a": [2.5, None]})
    assert (tmp_path / "below" / "a.json").read_bytes() == b'{\n "a": [\n  2.5,\n  null\n ],\n "b": 1\n}\n'


def test_all_drafts_below_a_folder_are_removed_and_nothing_else(tmp_path: Path) -> None:
    draft = atomic._draft_of(Path("a")).name
    (tmp_path / "deep" / f"{draft}.zarr").mkdir(parents=True)
    (tmp_path / "deep" / f"{draft}.zarr" / "half").write_text("half")
    (tmp_path / f"{draft}.json").write_text("{")
    (tmp_path / ".a.draft").write_text("mine")
    remove_drafts(tmp_path)
    assert names(tmp_path) == [".a.draft", "deep"]
