"""What is shipped: the wheel runs by itself, and what pyproject.toml, CITATION.cff, Makefile and README say agrees."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def run(*command: str | Path, cwd: Path) -> str:
    """Return what a command prints; fail with what it printed if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the scripts' folder of an environment that has the wheel of phigen, and all else from this one.

    Everything but phigen comes from a .pth file that names this environment's site-packages.  Such a file adds a folder
    but does not process the .pth files in it, so that an editable phigen there stays out.
    """
    folder = tmp_path_factory.mktemp("packaging")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("phigen-*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    paths = {"base": str(environment), "platbase": str(environment)}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    python = Path(sysconfig.get_path("scripts", "venv", paths)) / "python"
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    others = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "others.pth").write_text("\n".join(sorted(others)) + "\n", encoding="utf-8")
    return python.parent


@pytest.mark.slow
def test_the_wheel_builds_a_shipped_recipe_from_another_folder(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import phigen; print(phigen.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    run(installed / "phigen", "build", "rotation_eq3", "--workers", "1", cwd=tmp_path)
    read = "import phigen; print(dict(phigen.open('datasets/rotation_eq3.zarr').sizes)['run'])"
    assert run(installed / "python", "-c", read, cwd=tmp_path) == "12\n"


@pytest.mark.slow
def test_the_wheel_ships_every_recipe_and_the_catalogue(installed: Path, tmp_path: Path) -> None:
    listed = run(installed / "phigen", "list", cwd=tmp_path)
    assert [name for name in recipes() if name not in listed] == []


def recipes() -> list[str]:
    return [path.stem for path in sorted((ROOT / "recipes").glob("*.yaml"))]


def test_a_citation_names_this_version() -> None:
    citation = YAML(typ="safe").load(ROOT / "CITATION.cff")
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert f"## {PROJECT['version']}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_readme_names_what_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\s*make (.+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands
    for command in commands:
        target, *settings = shlex.split(command)
        assert f"make {target}" in readme
        assert [name for name in settings if f"{name.partition('=')[0]}=" not in readme] == []


def test_contributing_names_every_target_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)
    assert "demo" in targets
    assert [target for target in targets if f"`make {target}" not in contributing] == []


def test_nothing_asks_to_install_phigen_from_an_index() -> None:
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "phigen").rglob("*.*")]
    asking = re.compile(r"pip install [\"'\\]*phigen\b")
    found = [
        path.relative_to(ROOT)
        for path in texts
        if path.suffix in (".md", ".py", ".jinja", ".html", ".yaml") and asking.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_each_python_has_exact_versions_of_all_that_phigen_needs(version: str) -> None:
    lines = (ROOT / "constraints" / f"py{version.replace('.', '')}.txt").read_text(encoding="utf-8").splitlines()
    exact = {normal(line.partition("==")[0]) for line in lines if not line.startswith("#")}
    needed = [
        *PROJECT["dependencies"],
        *(each for extra in PROJECT["optional-dependencies"].values() for each in extra),
    ]
    assert [each for each in needed if normal(re.split(r"[><=!~]", each)[0]) not in exact] == []


def normal(name: str) -> str:
    """Return the name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
