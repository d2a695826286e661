"""Names and documents agree with the package; import-linter checks the imports (`make check`)."""

from __future__ import annotations

import ast
import json
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import phigen
from phigen.cli import COMMANDS
from phigen.recipe.loading import shipped
from tests.shared.documents import DOCUMENTS, ROOT

LATER = {"verify", "compare", "extend", "report", "select", "show", "explain", "retract"}
"""Functions that are to become public: no module may take their names."""

MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_FILES = 250, 40, 14
SOURCES = sorted((ROOT / "phigen").rglob("*.py"))


@pytest.mark.parametrize("name", phigen.__all__)
def test_every_public_name_is_there_and_has_a_docstring(name: str) -> None:
    assert getattr(phigen, name).__doc__


def test_the_public_names_are_those_of_the_stub() -> None:
    stub = ast.parse((ROOT / "phigen" / "__init__.pyi").read_text())
    names = {name.name for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert names == {*phigen.__all__, "torch"}
    assert {*names, "__version__"} == set(dir(phigen))


def test_the_version_is_that_of_the_installed_package() -> None:
    assert phigen.__version__ == version("phigen")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="floor"):
        _ = phigen.floor


def test_no_module_takes_the_name_of_a_public_function() -> None:
    modules = {module.name for module in pkgutil.iter_modules(phigen.__path__)}
    functions = {name for name in phigen.__all__ if name != "symmetry"} | LATER
    assert not modules & functions
    inside = {module.name for module in pkgutil.iter_modules(phigen.symmetry.__path__)}
    assert not inside & {"model_error", "lie_derivative"}


def test_importing_phigen_loads_no_library_and_changes_no_setting() -> None:
    code = "import os, sys; before = dict(os.environ); import phigen, json; "
    code += "print(json.dumps([sorted(sys.modules), before == dict(os.environ)]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules, unchanged = json.loads(done.stdout)
    assert not {"numpy", "xarray", "jax", "phi", "torch", "pydantic", "click"} & set(modules)
    assert [name for name in modules if name.startswith("phigen.")] == []
    assert unchanged


@pytest.mark.parametrize("folder", sorted({file.parent for file in SOURCES}), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_folder_has_few_files(folder: Path) -> None:
    files = len(list(folder.glob("*.py")))
    assert files <= MOST_FILES, f"{files} files, at most {MOST_FILES}: move some that belong together into a subfolder"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_functions_are_short_and_no_docstring_says_give_or_whether(file: Path) -> None:
    text = file.read_text()
    lines = len(text.splitlines())
    assert lines <= MOST_LINES, f"{lines} lines, at most {MOST_LINES}: are there two ideas in it?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            length = (node.end_lineno or 0) - node.lineno + 1 - (docstring.count("\n") + 1 if docstring else 0)
            assert length <= MOST_LINES_OF_A_FUNCTION, f"{node.name} has {length} lines without its docstring"
            is_value = any(name in ("property", "cached_property") for name in map(ast.unparse, node.decorator_list))
            assert is_value or docstring.split(" ")[0] not in ("Give", "Whether"), node.name


def test_the_readme_names_every_command_and_every_recipe() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [command for command in COMMANDS if f"phigen {command}" not in readme] == []
    assert [name for name in shipped() if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_document_has_no_number_that_is_still_to_be_measured(document: Path) -> None:
    assert not re.findall(r"@[A-Z_]+@", document.read_text())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_in_a_document_lead_somewhere(document: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", document.read_text()):
        if target.startswith("http"):
            continue
        file = document.parent / target if target else document
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file), f"{target}#{anchor}"


def _anchors(document: Path) -> set[str]:
    """Return the anchors that a document's headings have, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
