"""The manifest names all that must be in a store, and is read once."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import phigen
from phigen.building.builder import build
from phigen.errors import StoreError
from phigen.recipe.model import Recipe
from phigen.store import manifest
from phigen.store import reading as store
from phigen.store.manifest import Damage
from phigen.store.summary import describe
from tests.shared.files import files_of


def test_the_list_names_every_file_with_size_and_digest(built: Path) -> None:
    listed = json.loads((built / "manifest.json").read_text())
    named = dict(listed["files"])
    for entry in listed["runs"]:
        named |= entry["files"]
        assert entry["parameters"].keys() >= {"level", "orbit", "element", "strength", "split", "simulation"}
    files = files_of(built)
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
    (built / "manifest").mkdir()
    entry = json.loads((built / "manifest.json").read_text())["runs"][0]
    (built / "manifest" / "000000.json").write_text(json.dumps(entry))
    assert build(small, built, workers=1).written == 0
    assert files_of(built) == before


def test_a_part_that_is_damaged_is_one_line(built: Path) -> None:
    (built / "manifest").mkdir()
    for nonsense in ("{", "{}", "[]"):
        (built / "manifest" / "000003.json").write_text(nonsense)
        with pytest.raises(StoreError, match=r"000003\.json: is damaged"):
            manifest.load(built)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files of manifests that were read, one for each time."""
    files: list[Path] = []
    real = Path.read_bytes

    def counted(file: Path) -> bytes:
        if file.name == manifest.LIST or file.match(f"{manifest.PARTS}/[0-9]*.json"):
            files.append(file)
        return real(file)

    monkeypatch.setattr(Path, "read_bytes", counted)
    return files


def test_opening_parses_the_manifest_once(built: Path, parsed: list[Path]) -> None:
    phigen.open(built)
    assert parsed == [built / "manifest.json"]


def test_describing_parses_the_manifest_once(built: Path, parsed: list[Path]) -> None:
    describe(built)
    assert parsed == [built / "manifest.json"]


def test_a_build_parses_its_parts_once_when_it_ends(small: Recipe, tmp_path: Path, parsed: list[Path]) -> None:
    path = build(small, tmp_path / "s.zarr", workers=1).path
    assert sorted(parsed) == [path / "manifest" / f"{run:06d}.json" for run in range(8)]


def test_a_build_with_nothing_to_do_parses_the_manifest_once(built: Path, small: Recipe, parsed: list[Path]) -> None:
    assert build(small, built).written == 0
    assert parsed == [built / "manifest.json"]


def test_where_there_is_no_store_nothing_is_listed(tmp_path: Path) -> None:
    known = manifest.load(tmp_path / "nowhere")
    assert (known.finished, known.runs, known.held_files, known.digest) == (False, {}, {}, None)


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
    (lost,) = (file for file in known.runs[2].files if file.startswith("smoke"))
    size = known.held_files
    assert sorted(known.damages()) == sorted([Damage(cut, size[cut][0], 1), Damage(lost, size[lost][0], None)])
    assert set(known.corrupted()) == {cut, flipped, lost}
    assert known.runs_there() == frozenset(range(8)) - {2}
    assert not known.is_complete_copy()


def test_a_copy_of_chosen_runs_must_hold_only_those(built: Path) -> None:
    whole = manifest.load(built)
    manifest.choose(built, [5, 1])
    for run in sorted(set(range(8)) - {1, 5}):
        for file in whole.runs[run].files:
            (built / file).unlink()
    known = manifest.load(built)
    assert known.chosen == {1, 5}
    assert [entry.run for entry in known.held_runs] == [1, 5]
    assert not list(known.damages())
    assert not known.is_complete_copy()
    assert store.open(built)["orbit"].sizes == {"run": 2}
    assert not np.isnan(store.open(built)["smoke"].values).any()
    facts = describe(built)
    assert (facts["runs"], facts["runs_stored"], facts["variables"][0]["shape"][0]) == (8, 2, 2)
    manifest.choose(built, None)
    assert manifest.load(built).chosen is None


def test_scattering_and_gathering_gives_the_same_bytes(built: Path) -> None:
    before = files_of(built)
    known = manifest.load(built)
    manifest.scatter(known)
    assert not manifest.load(built).finished
    assert manifest.load(built).runs == known.runs
    manifest.gather(manifest.load(built), {"recipe_sha256": str(known.recipe_digest)})
    assert files_of(built) == before
