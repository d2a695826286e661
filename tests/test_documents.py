"""What README, docs/ and CONTRIBUTING say to type works: Python, commands and recipes.

A block that cannot be run has a comment ``<!-- not run: reason -->`` above it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

import phigen
from phigen.building.catalogue import entries
from phigen.cli import COMMANDS, main
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from tests.shared.documents import DOCUMENTS, ROOT, Block, blocks_in, commands_in, mentions_in, script_of
from tests.shared.requests import Hub

BLOCKS = [block for document in DOCUMENTS for block in blocks_in(document)]


def blocks_of(language: str) -> list[Any]:
    """Return the blocks of one language that are to be run, as parameters of a test."""
    chosen = [block for block in BLOCKS if block.language == language and block.not_run is None]
    return [pytest.param(block, id=block.where) for block in chosen]


def test_every_block_is_of_a_language_that_is_tested_or_says_why_it_is_not_run() -> None:
    untested = [block for block in BLOCKS if block.language not in ("python", "console", "yaml")]
    assert [block.where for block in untested if block.not_run is None] == []
    assert [block.where for block in BLOCKS if block.not_run == ""] == []


def test_the_table_of_recipes_has_the_numbers_of_the_catalogue() -> None:
    rows = [line.strip("| ").split(" | ") for line in DOCUMENTS[0].read_text(encoding="utf-8").splitlines()]
    table = {row[0].strip("`"): row[2:] for row in rows if len(row) == 6 and row[0].startswith("`")}
    known = {entry["name"]: entry for entry in entries()}
    assert table.keys() == known.keys()
    for name, (runs, size, _, errors) in table.items():
        number, unit = size.split()
        assert int(runs.replace(",", "")) == known[name]["runs"], name
        assert float(number) * {"MB": 1e6, "GB": 1e9}[unit] == pytest.approx(known[name]["bytes"], rel=0.05), name
        measured = [row["mae"] for row in known[name]["errors"] if row["variable"] == "velocity"]
        written = [float(error) for error in re.findall(r"[\d.]*\d", errors)]
        assert (written[0], written[-1]) == pytest.approx((measured[0], measured[-1]), abs=0.006), name


# Python: the blocks of a document are one script, in a folder that has the files they name.


def documents_with_python() -> list[Any]:
    scripts = {document: script_of(document, _python_in(document)) for document in DOCUMENTS}
    return [
        pytest.param(document, id=document.name, marks=[pytest.mark.torch] if "torch" in script else [])
        for document, script in scripts.items()
        if script.strip()
    ]


def _python_in(document: Path) -> list[Block]:
    return [block for block in blocks_in(document) if block.language == "python" and block.not_run is None]


@pytest.mark.slow
@pytest.mark.parametrize("document", documents_with_python())
def test_the_python_of_a_document_runs_from_top_to_bottom(
    document: Path, stores: Mapping[str, Path], hub: Hub, tmp_path: Path
) -> None:
    script = script_of(document, _python_in(document))
    for name in set(re.findall(r"datasets/(\w+)\.zarr", script)):
        assert name in stores, f"{document.name}: tests have no dataset {name}; use one of {', '.join(stores)}"
    (tmp_path / "datasets").mkdir()
    for name, store in stores.items():
        (tmp_path / "datasets" / f"{name}.zarr").symlink_to(store)
        _export_what_is_named(script, name, store, tmp_path)
    if "OWNER/" in script:
        published = phigen.publish(stores["rotation_eq10"], hub.repository).reference
        script = script.replace("OWNER/rotation-eq10", published.repository)
    (tmp_path / document.name).write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", document.name],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"the line numbers are those of {document.name}\n{done.stderr}"


@pytest.fixture(scope="module")
def stores(eq10: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The datasets that documents open: one as it is shipped, and a small one of the same kind as `rotation`."""
    path = tmp_path_factory.mktemp("documents") / "rotation.zarr"
    return {"rotation_eq10": eq10, "rotation": phigen.build(parse(ROTATION), path, workers=1).path}


ROTATION = """\
name: rotation
version: 1.0.0
grid: {cells: 16}
time: {steps: 310, frames: {first: 1}, dt_velocity: 0.5}
scene:
  inflows: [{center: [8, 3], radius: 2}]
  buoyancy: {strength: 0.01}
vary: {strength: [0.01, 0.05]}
symmetry:
  group: C4
  breaking: {offsets: [0, 0.01, 0.02, 0.03]}
splits:
  train: 0.5
  test: 0.5
  frames: {train: [1, 169], test: [200, 309], window: 30}
"""


def _export_what_is_named(script: str, name: str, store: Path, folder: Path) -> None:
    """Export a dataset to each place that a script reads an export of it from."""
    for place, format in set(re.findall(rf"((?:datasets/)?{name}-(npy|well|wang2022))\b", script)):
        phigen.export(store, folder / place, format=format)
    for place in set(re.findall(rf"(?:datasets/)?{name}\.nc\b", script)):
        phigen.export(store, folder / place, format="netcdf")


# Commands: they are parsed, not run.


@pytest.mark.parametrize("block", blocks_of("console"))
def test_commands_in_a_console_block_exist_and_take_the_options(block: Block) -> None:
    commands = commands_in(block)
    assert commands, f"{block.where}: no line starts with $"
    for command in commands:
        words = shlex.split(command, comments=True)
        _check_files(words, block.where)
        if words[0] == "phigen":
            _parse(words[1:], f"{block.where}: {command}")
        elif words[0] == "make":
            targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert [word for word in words[1:] if "=" not in word and word not in targets] == [], block.where


def _check_files(words: list[str], where: str) -> None:
    """Check that files of this repository that a command names are there."""
    named = [word for word in words if word.startswith(("tests/", "examples/", "recipes/", "docs/", "benchmarks/"))]
    assert [word for word in named if not (ROOT / word).exists()] == [], where


def _parse(arguments: list[str], where: str) -> None:
    with click.Context(main, info_name="phigen") as group:
        command = main.get_command(group, arguments[0])
        assert command is not None, f"{where}: there is no such command"
        try:
            command.make_context(arguments[0], arguments[1:], parent=group)
        except click.UsageError as error:
            pytest.fail(f"{where}: {error.format_message()}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_commands_in_running_text_and_tables_exist_and_have_the_options(document: Path) -> None:
    for mention in mentions_in(document):
        name, *_ = mention.split()
        assert name in COMMANDS, f"{document.name}: phigen {mention}"
        command = main.get_command(click.Context(main), name)
        assert command is not None
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        unknown = set(re.findall(r"(?<!\w)--[a-z][\w-]*", mention)) - options
        assert not unknown, f"{document.name}: phigen {mention}: there is no {', '.join(unknown)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_published_version_that_is_named_is_that_of_the_shipped_recipe(document: Path) -> None:
    for name, named in re.findall(r"OWNER/([\w-]+)@v([\d.]+\d)", document.read_text(encoding="utf-8")):
        assert named == phigen.load(name.replace("-", "_")).version


# Recipes: whole ones, and parts of one that complete a minimal recipe.

MINIMAL = {
    "name": "minimal",
    "version": "1.0.0",
    "grid": {"cells": 64},
    "time": {"steps": 310, "frames": {"first": 1}},
    "scene": {"inflows": [{"center": [32, 12], "radius": 5}], "buoyancy": {"strength": 0.01}},
}
TEN_ORBITS = {"vary": {"strength": {"start": 0.01, "step": 0.01, "count": 10}}}
"""What a part about splits needs, if it does not say which scenes there are."""


@pytest.mark.parametrize("block", blocks_of("yaml"))
def test_a_recipe_or_a_part_of_one_loads(block: Block) -> None:
    part = YAML(typ="safe").load(block.code)
    unknown = part.keys() - Recipe.model_fields.keys()
    assert not unknown, f"{block.where}: a recipe has no {', '.join(unknown)}"
    whole = part
    if "name" not in part:
        needs_orbits = "splits" in part and not part.keys() & {"vary", "sample"}
        whole = _merged(MINIMAL | (TEN_ORBITS if needs_orbits else {}), part)
    assert parse(json.dumps(whole), block.where)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], value) if isinstance(value, Mapping) and isinstance(below.get(key), Mapping) else value
        for key, value in above.items()
    }
    return {**below, **both}
