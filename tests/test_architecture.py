"""The public names are there, and the README tells the truth; import-linter checks the imports (`make check`)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import phigen
from phigen.cli import cli
from phigen.recipe.loading import shipped

ROOT = Path(__file__).parent.parent


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
