"""The manifest names all that must be in a store, and is read once."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.building.builder import build
from phigen.errors import StoreError
from phigen.planning.plans import plan
from phigen.recipe.model import Recipe
from phigen.store import manifest, measured, parts, writing
from phigen.store import reading as store
from phigen.store.fingerprints import fingerprint
from phigen.store.manifest import Damage
from phigen.store.summary import describe
from tests.shared.files import files_of
from tests.shared.requests import RunsPerShard
from tests.shared.stores import prepared, reopen, write_shards


def test_the_list_names_every_file_with_size_and_digest(built: Path) -> None:
    listed = json.loads((built / "manifest.json").read_text())
    assert (listed["runs"], listed["runs_per_shard"], len(listed["shards"])) == (8, 1, 8)
    assert listed["recipe_sha256"] == phigen.open(built).recipe_sha256
    _every_file_is_named(built, listed)


def test_the_list_has_one_entry_a_shard_and_the_last_may_hold_fewer_runs(sharded: Path) -> None:
    listed = json.loads((sharded / "manifest.json").read_text())
    assert (listed["runs"], listed["runs_per_shard"], len(listed["shards"])) == (16, 3, 6)
    for number, files in enumerate(listed["shards"]):
        assert set(files) == {f"smoke/c/{number}/0/0/0", f"velocity/c/{number}/0/0/0/0"}
    _every_file_is_named(sharded, listed)
    known = manifest.load(sharded)
    assert [known.runs_of(shard) for shard in (0, 4, 5)] == [range(3), range(12, 15), range(15, 16)]


def _every_file_is_named(store: Path, listed: dict[str, Any]) -> None:
    named = dict(listed["files"])
    for of_shard in listed["shards"]:
        named |= of_shard
    files = files_of(store)
    assert set(files) == {*named, "manifest.json"}
    assert all(
        (len(files[name]), hashlib.sha256(files[name]).hexdigest()) == tuple(told) for name, told in named.items()
    )


def test_a_damaged_list_is_one_line(built: Path) -> None:
    for nonsense in ("{", "{}", "[]"):
        (built / "manifest.json").write_text(nonsense)
        with pytest.raises(StoreError, match=r"manifest\.json: is damaged"):
            store.open(built)


def test_parts_of_the_list_left_by_a_kill_are_tidied(built: Path, small: Recipe) -> None:
    before = files_of(built)
    known = manifest.load(built)
    parts.add(built, 0, known.shards[0], measured.read(known, {0})[0])
    assert (built / "manifest" / "000000.npz").is_file()
    assert build(small, built, workers=1).written == 0
    assert files_of(built) == before


def test_a_part_beside_a_list_does_not_overrule_it(built: Path) -> None:
    """A task that outlives its build may write one: what it says is not what the list promises."""
    known = manifest.load(built)
    other, own = (built / next(iter(known.shards[shard])) for shard in (1, 0))
    own.write_bytes(other.read_bytes())
    files = {file: fingerprint(built / file) for file in known.shards[0]}
    parts.add(built, 0, files, measured.read(known, {1})[1])
    assert manifest.load(built).shards == known.shards
    assert list(manifest.load(built).corrupted()) == [next(iter(known.shards[0]))]


def test_a_part_that_is_damaged_is_one_line(built: Path) -> None:
    reopen(built)
    part = built / "manifest" / "000003.npz"
    whole = part.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index("smoke/c".encode("utf-32-le"))] ^= 1
    for nonsense in (b"", b"{", whole[: len(whole) // 2], bytes(flipped)):
        part.write_bytes(nonsense)
        with pytest.raises(StoreError, match=r"000003\.npz: is damaged") as caught:
            manifest.load(built)
        assert "\n" not in str(caught.value)


def test_damaged_rows_in_a_part_are_one_line(small: Recipe, tmp_path: Path) -> None:
    path, planned = tmp_path / "s.zarr", plan(small)
    prepared(path, planned)
    write_shards(path, planned, range(8))
    part = path / "manifest" / "000003.npz"
    bits = bytearray(part.read_bytes())
    bits[bits.index(np.float64(planned.runs[3].strength).tobytes())] ^= 1
    part.write_bytes(bits)
    assert sorted(manifest.load(path).shards) == list(range(8))
    for refused in (lambda: build(small, path, workers=1), lambda: describe(path)):
        with pytest.raises(StoreError, match=r"000003\.npz: is damaged, .* delete it and run the same build") as caught:
            refused()
        assert "\n" not in str(caught.value)
    part.unlink()
    assert build(small, path, workers=1).written == 1


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files of manifests that were read, one for each time."""
    files: list[Path] = []
    read_bytes, load = Path.read_bytes, np.load

    def counted(file: Path) -> bytes:
        if file.name == manifest.LIST:
            files.append(file)
        return read_bytes(file)

    def counted_part(file: Any, **options: Any) -> Any:
        files.append(Path(file.name))
        return load(file, **options)

    monkeypatch.setattr(Path, "read_bytes", counted)
    monkeypatch.setattr(np, "load", counted_part)
    return files


def test_opening_parses_the_manifest_once(built: Path, parsed: list[Path]) -> None:
    phigen.open(built)
    assert parsed == [built / "manifest.json"]


def test_describing_parses_the_manifest_once(built: Path, parsed: list[Path]) -> None:
    describe(built)
    assert parsed == [built / "manifest.json"]


def test_a_build_reads_the_files_and_the_rows_of_each_part_once_when_it_ends(
    small: Recipe, tmp_path: Path, parsed: list[Path]
) -> None:
    path = build(small, tmp_path / "s.zarr", workers=1).path
    assert sorted(parsed) == sorted(2 * [path / "manifest" / f"{shard:06d}.npz" for shard in range(8)])


def test_a_build_with_nothing_to_do_parses_the_manifest_once(built: Path, small: Recipe, parsed: list[Path]) -> None:
    assert build(small, built).written == 0
    assert parsed == [built / "manifest.json"]


def test_where_there_is_no_store_nothing_is_listed(tmp_path: Path) -> None:
    known = manifest.load(tmp_path / "nowhere")
    assert (known.finished, known.runs, known.digest) == (False, 0, None)
    assert (known.shards, known.held_files) == ({}, {})


def test_missing_cut_and_flipped_files_are_distinguished(built: Path) -> None:
    known = manifest.load(built)
    assert known.is_complete_copy()
    assert not list(known.damages())
    assert not list(known.corrupted())
    cut, flipped = (file for file in known.held_files if file.startswith(("strength/c", "level/c")))
    (built / cut).write_bytes(b"1")
    bits = bytearray((built / flipped).read_bytes())
    bits[0] ^= 1
    (built / flipped).write_bytes(bits)
    shutil.rmtree(built / "smoke" / "c" / "2")
    (lost,) = (file for file in known.shards[2] if file.startswith("smoke"))
    size = known.held_files
    assert sorted(known.damages()) == sorted([Damage(cut, size[cut][0], 1), Damage(lost, size[lost][0], None)])
    assert set(known.corrupted()) == {cut, flipped, lost}
    assert known.runs_there() == frozenset(range(8)) - {2}
    assert not known.is_complete_copy()


def test_a_copy_of_chosen_runs_must_hold_only_those(built: Path) -> None:
    whole = manifest.load(built)
    manifest.choose(built, [5, 1])
    for run in sorted(set(range(8)) - {1, 5}):
        for file in whole.shards[run]:
            (built / file).unlink()
    known = manifest.load(built)
    assert known.chosen == {1, 5}
    assert (known.held_runs, [*known.held_shards]) == ([1, 5], [1, 5])
    assert not list(known.damages())
    assert not known.is_complete_copy()
    assert store.open(built)["orbit"].sizes == {"run": 2}
    assert not np.isnan(store.open(built)["smoke"].values).any()
    facts = describe(built)
    assert (facts["runs"], facts["runs_stored"], facts["variables"][0]["shape"][0]) == (8, 2, 2)
    manifest.choose(built, None)
    assert manifest.load(built).chosen is None


def test_a_copy_of_chosen_runs_must_hold_their_shards(sharded: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.zarr"
    shutil.copytree(sharded, path)
    manifest.choose(path, [5, 7, 15])
    for shard in (0, 3, 4):
        shutil.rmtree(path / "velocity" / "c" / str(shard))
    known = manifest.load(path)
    assert (known.held_runs, [*known.held_shards]) == ([5, 7, 15], [1, 2, 5])
    assert not list(known.damages())
    assert known.runs_there() == {*range(3, 9), 15}
    xr.testing.assert_identical(store.open(path).load(), store.open(sharded).isel(run=[5, 7, 15]).load())
    shutil.rmtree(path / "velocity" / "c" / "5")
    assert [damage.file for damage in manifest.load(path).damages()] == ["velocity/c/5/0/0/0/0"]


@pytest.mark.parametrize(("runs", "stretches"), [([5, 1], "1,1,5,5"), ([0, 2, 3, 4, 7, 8], "0,0,2,4,7,8"), ([], "")])
def test_chosen_runs_are_listed_in_stretches(built: Path, runs: list[int], stretches: str) -> None:
    manifest.choose(built, runs)
    listed = json.loads((built / "manifest.chosen.json").read_text())
    assert ",".join(str(end) for pair in listed for end in pair) == stretches
    assert manifest.load(built).chosen == frozenset(runs)


@pytest.mark.parametrize("number", [1, 3])
def test_reopening_and_finishing_gives_the_same_bytes(
    small: Recipe, tmp_path: Path, set_runs_per_shard: RunsPerShard, number: int
) -> None:
    set_runs_per_shard(number)
    path = build(small, tmp_path / "s.zarr", workers=1).path
    before, known = files_of(path), manifest.load(path)
    reopen(path)
    again = manifest.load(path)
    assert not again.finished
    assert (again.shards, again.runs, again.runs_per_shard) == (known.shards, 8, number)
    for name in ("divergence", "courant", "buoyancy", "measured/mae", "measured/moments"):
        shutil.rmtree(path / name / "c")
    writing.seal(path)
    assert files_of(path) == before
