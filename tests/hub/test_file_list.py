"""A list of files reads back as it was written; a damaged one says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from phigen.errors import HubError
from phigen.hub import file_list
from phigen.hub.copies import held_by
from phigen.hub.reference import Reference

DATASET = Reference("owner/name", "1.0.0")


def test_a_list_reads_back_as_it_was_written(tmp_path: Path) -> None:
    files = {"recipe.yaml": (3, "b" * 64), "README.md": (1, "a" * 64)}
    path = file_list.write(tmp_path, DATASET, content_sha256="c" * 64, files=files)
    assert file_list.read(tmp_path) == (DATASET, files)
    assert path.read_text().index("README.md") < path.read_text().index("recipe.yaml")
    assert held_by(tmp_path) == DATASET


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"dataset": "owner/name@v1.0.0"}', '{"dataset": "owner/name@v1.0.0", "files": {"a": 1}}'],
)
def test_a_damaged_list_is_one_line_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "files.json").write_text(text)
    with pytest.raises(HubError, match=r"files\.json: is damaged, got .*; delete it and download again"):
        file_list.read(tmp_path)


def test_a_folder_without_a_list_is_not_a_copy(tmp_path: Path) -> None:
    assert held_by(tmp_path) is None
