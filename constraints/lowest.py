"""Print the lowest versions that pyproject.toml allows, as pip's constraints: `python constraints/lowest.py test`."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path


def lowest(project: dict[str, object], extras: Sequence[str]) -> Iterator[str]:
    """Yield `name==version` for each requirement of the project and of its extras."""
    wanted: list[str] = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    for requirement in sorted(set(wanted)):
        bound = re.fullmatch(r"([\w.-]+)>=([\w.]+)(,<[\w.]+)?", requirement)
        if not bound:
            sys.exit(f"pyproject.toml: {requirement}: states no lowest version; write name>=version")
        yield f"{bound[1]}=={bound[2]}"


if __name__ == "__main__":
    pyproject = Path(__file__).parent.parent / "pyproject.toml"
    print(*lowest(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"], sys.argv[1:]), sep="\n")
