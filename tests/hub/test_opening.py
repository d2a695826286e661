"""Opening a dataset on this machine loads neither the Hub's client nor the solver."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from phigen.errors import HubError
from phigen.hub.opening import beside, located

LATE = ("huggingface_hub", "jax", "phi", "matplotlib", "scipy", "torch", "distributed", "pydantic")


def test_opening_a_local_dataset_loads_only_what_reads_it(without_floor: Path) -> None:
    code = f"""
import sys
import phigen
print(phigen.open({str(without_floor)!r}).sizes["run"], *(name for name in {LATE} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["8"], done.stderr


def test_what_is_made_from_a_dataset_is_beside_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy.v1"
    copy.mkdir()
    (copy / "files.json").write_text("{}")
    assert beside(str(tmp_path / "small.zarr"), ".png") == tmp_path / "small.png"
    assert beside(str(copy), ".png") == tmp_path / "copy.v1.png"
    assert beside("hf://datasets/owner/name@v1.0.0", ".png") == Path("name.png")


def test_a_downloaded_folder_is_located_at_its_store(tmp_path: Path) -> None:
    assert located(tmp_path) == tmp_path
    (tmp_path / "files.json").write_text("{}")
    assert located(tmp_path) == tmp_path / "store.zarr"
    with pytest.raises(HubError, match=r"run phigen download owner/name@v1\.0\.0 first"):
        located("hf://datasets/owner/name@v1.0.0")
