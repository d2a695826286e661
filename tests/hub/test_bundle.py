"""A bundle has what the store gives rise to, and nothing that it does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from phigen.hub.bundle import bundled
from phigen.hub.reference import Reference
from phigen.store import manifest
from tests.shared.stores import reopen

WANTED = Reference("owner/name", "1.0.0")


@pytest.fixture
def imported(without_floor: Path, tmp_path: Path) -> Path:
    """A finished store without a recipe, as an import makes it."""
    path = Path(shutil.copytree(without_floor, tmp_path / "imported.zarr"))
    reopen(path)
    metadata = json.loads((path / "zarr.json").read_text())
    for name in ("recipe", "recipe_sha256"):
        del metadata["attributes"][name]
    (path / "zarr.json").write_text(json.dumps(metadata))
    manifest.finish(manifest.load(path), {})
    return path


def test_a_dataset_without_a_recipe_is_published_without_one(imported: Path) -> None:
    with bundled(manifest.load(imported), WANTED) as bundle:
        beside = {name for name in bundle.files if not name.startswith("store.zarr/")}
        assert beside == {"README.md", "files.json", "index.parquet", "preview.png"}
        assert "imported into phigen's format from another source" in bundle.card
        assert "There is no rounding floor: the dataset has no recipe" in bundle.card


def test_the_card_counts_files_and_bytes_but_for_itself_and_the_list(without_floor: Path) -> None:
    with bundled(manifest.load(without_floor), WANTED) as bundle:
        sizes = {name: size for name, (_, (size, _)) in bundle.files.items()}
        assert bundle.bytes == sum(sizes.values())
        counted = bundle.bytes - sizes["README.md"] - sizes["files.json"]
        said = f"{counted / 1e6:.1f} MB in {len(sizes) - 2} files, besides this card and `files.json`"
        assert said in bundle.card
