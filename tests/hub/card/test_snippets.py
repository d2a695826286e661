"""What a published card says to copy and paste runs as it stands, against the Hub that it was published to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from phigen.hub.downloading import download
from phigen.installing import requirement
from phigen.store import manifest
from tests.shared.requests import PublishOnce


@pytest.fixture
def card(publish_once: PublishOnce, eq3: Path, tmp_path: Path) -> str:
    published = str(publish_once(eq3))
    return (download(published, tmp_path / "read").path.parent / "README.md").read_text()


def blocks(card: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", card, re.DOTALL)


@pytest.mark.slow
@pytest.mark.torch
def test_every_snippet_of_a_card_runs_as_it_stands(card: str, eq3: Path, tmp_path: Path) -> None:
    env = os.environ | {"HF_DATASETS_CACHE": str(tmp_path / "datasets"), "PATH": _with_commands()}
    python = blocks(card, "python")
    assert len(python) == 4
    for code in python:
        said = "print({k: v for k, v in vars().items() if k in ('window', 'dataset', 'chosen', 'batch')})"
        done = subprocess.run([sys.executable, "-c", f"{code}\n{said}"], capture_output=True, text=True, env=env)
        assert done.returncode == 0, f"{code}\n{done.stderr}"
    loading, rebuilding = blocks(card, "console")
    for line in (*loading.splitlines(), *rebuilding.splitlines()):
        command = line.removeprefix("$ ")
        if command.startswith("pip install"):
            assert requirement(version=version("phigen")) in command
            continue
        done = subprocess.run(command.split(), capture_output=True, text=True, env=env, cwd=tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert done.stdout.split()[0] == manifest.load(eq3).digest
    assert str(manifest.load(eq3).digest) in card


def _with_commands() -> str:
    """Return a PATH on which this environment's own commands come first."""
    own = Path(sys.executable).parent
    assert shutil.which("phigen", path=str(own))
    return f"{own}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.slow
def test_the_run_table_loads_with_datasets_and_has_the_errors(
    publish_once: PublishOnce, eq3: Path, tmp_path: Path
) -> None:
    published = publish_once(eq3)
    code = f"""
from datasets import load_dataset
index = load_dataset("{published.repository}", revision="{published.tag}")["runs"].to_pandas()
print(len(index), *sorted(set(index["level"])), index.loc[index["level"] == 0, "velocity_mae"].max())
"""
    env = os.environ | {"HF_DATASETS_CACHE": str(tmp_path / "datasets")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.split() == ["12", "0.0", "2.0", "9.0", "0.0"], done.stderr
