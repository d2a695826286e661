"""Commands that convert datasets to and from other formats; tests/formats has the formats themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared.command import succeeds, succeeds_here


def test_an_export_is_written_beside_its_dataset(copied_store: Path) -> None:
    folder = copied_store.with_name("small-npy")
    assert succeeds("export", copied_store, "--format", "npy") == f"{folder}\n"
    assert (folder / "velocity.npy").is_file()


@pytest.mark.torch
def test_an_exported_dataset_is_imported_where_out_says(eq3: Path, tmp_path: Path) -> None:
    succeeds_here("export", eq3, "--format", "wang2022", "--out", tmp_path / "originals")
    path = tmp_path / "back.zarr"
    assert succeeds_here("import", "wang2022", tmp_path / "originals", "--out", path) == f"{path}\n"
    assert succeeds_here("measure", path).count("velocity") == 3
