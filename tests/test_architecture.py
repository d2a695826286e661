"""The shape of the house: imports point one way, each outside library has one home, the README tells the truth."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import phigen
from phigen.cli import cli
from phigen.reading import shipped

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "phigen"

LINE = [
    "errors",
    "point_groups",
    "translation",
    "scaling",
    "orbit",
    "faces",
    "schedule",
    "distribution",
    "numbers",
    "grid",
    "scene",
    "breaking",
    "splits",
    "semver",
    "recipe",
    "scenes",
    "splitting",
    "faults",
    "scene_checks",
    "orbit_checks",
    "breaking_checks",
    "checks",
    "wording",
    "reading",
    "runs",
    "planning",
    "layout",
    "projection",
    "flow",
    "simulation",
    "manifest",
    "moments",
    "template",
    "writing",
    "store",
    "rehearsal",
    "measurement",
    "calibration",
    "rounding",
    "legacy",
    "sample",
    "models",
    "symmetry",
    "conventions",
    "foreign",
    "files",
    "cluster",
    "building",
    "reporting",
    "inspection",
    "catalogue",
    "drawing",
    "charts",
    "hub",
    "hub.reference",
    "hub.repository",
    "hub.index",
    "hub.markdown",
    "hub.contents",
    "hub.measured",
    "hub.usage",
    "hub.card",
    "hub.bundle",
    "hub.publishing",
    "hub.downloading",
    "opening",
    "channels",
    "windows",
    "torch",
    "formats",
    "formats.drafts",
    "formats.index",
    "formats.arrays",
    "formats.netcdf",
    "formats.well",
    "formats.tensors",
    "formats.wang2022",
    "formats.exporting",
    "formats.archives",
    "formats.turned",
    "formats.published",
    "formats.importing",
    "cli.printing",
    "cli.options",
    "cli.looking",
    "cli.making",
    "cli.sharing",
    "cli.converting",
    "cli",
]
"""From pure data to the command line: a module imports only from those before it."""

HOMES = {
    "phi": {"flow", "simulation"},
    "jax": {"flow", "simulation", "models", "windows"},
    "torch": {"models", "torch", "formats.tensors"},
    "zarr": {"template", "writing", "store"},
    "dask": {"cluster", "building"},
    "distributed": {"cluster", "building"},
    "click": {"cli.printing", "cli.options", "cli.looking", "cli.making", "cli.sharing", "cli.converting", "cli"},
    "matplotlib": {"drawing", "charts"},
    "pyarrow": {"hub.index"},
    "huggingface_hub": {"hub.repository", "hub.downloading", "hub.card"},
    "scipy": {"calibration"},
    "ruamel": {"reading", "formats.well"},
    "h5py": {"formats.well"},
}


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {module_of(file): file for file in PACKAGE.rglob("*.py") if file.parent != PACKAGE or file.stem[0] != "_"}
"""Every module's file, but for the package's own face."""


def imports_of(module: str) -> set[str]:
    tree = ast.parse(SOURCES[module].read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "phigen":
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & {f"phigen.{name}" for name in SOURCES}
            found |= inner or {node.module}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_line_names_every_module() -> None:
    assert sorted(LINE) == sorted(SOURCES)


@pytest.mark.parametrize("module", LINE)
def test_imports_point_one_way(module: str) -> None:
    ours = {name.removeprefix("phigen.") for name in imports_of(module) if name.startswith("phigen.")}
    assert ours <= set(LINE[: LINE.index(module)])


@pytest.mark.parametrize("library", HOMES)
def test_each_outside_library_has_one_home(library: str) -> None:
    users = {module for module in LINE if any(name.split(".")[0] == library for name in imports_of(module))}
    assert users == HOMES[library]


@pytest.mark.parametrize("name", phigen.__all__)
def test_every_public_name_is_there_and_has_a_docstring(name: str) -> None:
    assert getattr(phigen, name).__doc__


def test_the_readme_names_every_command_and_every_recipe() -> None:
    readme = (ROOT / "README.md").read_text()
    assert all(f"phigen {command}" in readme for command in cli.commands)
    assert all(f"`{name}`" in readme for name in shipped())


def test_no_document_has_a_number_that_is_still_to_be_measured() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        assert not re.findall(r"@[A-Z_]+@", document.read_text()), document.name


def test_links_in_the_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            assert target.startswith("http") or (document.parent / target).exists(), (document.name, target)
