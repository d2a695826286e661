"""A template is whole or not there, and what is right of it stays untouched."""

from __future__ import annotations

from pathlib import Path

from phigen.building.builder import build
from phigen.planning.plans import plan
from phigen.recipe.model import Recipe
from tests.shared.files import abandoned
from tests.shared.stores import prepared


def test_a_template_that_was_cut_off_is_made_anew(small: Recipe, tmp_path: Path) -> None:
    draft = abandoned(tmp_path / "s.zarr")
    assert build(small, tmp_path / "s.zarr", workers=1).written == 8
    assert not draft.exists()


def test_a_continued_template_is_not_rewritten_where_it_is_intact(small: Recipe, tmp_path: Path) -> None:
    """Rewriting zarr.json in place would leave a store that is not recognised if the process were killed then."""
    path, planned = tmp_path / "s.zarr", plan(small)
    prepared(path, planned)
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}
    prepared(path, planned)
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()} == before
