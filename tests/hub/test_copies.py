"""Copies in the Hub's cache are found by repository and version."""

from __future__ import annotations

from pathlib import Path

import pytest

from phigen.hub.copies import cached, newest_cached
from phigen.hub.reference import Reference


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path))
    return tmp_path / "phigen"


def test_each_version_has_a_folder_of_its_own(cache: Path) -> None:
    assert cached(Reference("owner/name", "1.0.0")) == cache / "owner" / "name" / "v1.0.0"


def test_the_newest_copy_is_by_version_not_by_name_and_not_a_prerelease(cache: Path) -> None:
    assert newest_cached("owner/name") is None
    for version in ("1.9.0", "1.10.0", "2.0.0-rc.1", "latest"):
        folder = cache / "owner" / "name" / f"v{version}"
        folder.mkdir(parents=True)
        (folder / "files.json").write_text("{}")
    (cache / "owner" / "name" / "v3.0.0").mkdir()
    assert newest_cached("owner/name") == Reference("owner/name", "1.10.0")
    assert newest_cached("owner/other") is None
