"""Where phigen is installed from is set in one place."""

from __future__ import annotations

from pathlib import Path

import phigen
from phigen.installing import SOURCE, requirement


def test_a_requirement_names_extra_and_version() -> None:
    assert requirement() == f"phigen @ {SOURCE}"
    assert requirement(extra="torch") == f"phigen[torch] @ {SOURCE}"
    assert requirement(version="0.2.0") == f"phigen @ {SOURCE}@v0.2.0"


def test_the_source_is_set_once() -> None:
    code = [file.read_text() for file in Path(phigen.__file__).parent.rglob("*") if file.suffix in (".py", ".md")]
    assert sum(text.count(SOURCE) for text in code) == 1
