"""The code blocks of README, docs/ and CONTRIBUTING."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run: *(.*?) *-->\n*$")


@dataclass(frozen=True)
class Block:
    """One code block.

    Parameters
    ----------
    document : Path
        The file that it is in.
    line : int
        Number of its first line of code, from 1.
    language : str
        What stands after the opening fence; empty if nothing does.
    code : str
        What is between the fences.
    not_run : str or None
        The reason in a comment ``<!-- not run: reason -->`` above the block.
    """

    document: Path
    line: int
    language: str
    code: str
    not_run: str | None

    @property
    def where(self) -> str:
        """The document and the line, as an editor opens it."""
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks_in(document: Path) -> list[Block]:
    """Return the code blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    blocks = []
    for fence in _FENCE.finditer(text):
        before = text[: fence.start()]
        marker = _NOT_RUN.search(before)
        line = before.count("\n") + 2
        blocks.append(Block(document, line, fence[1], fence[2], marker[1] if marker else None))
    return blocks


def commands_in(block: Block) -> list[str]:
    """Return what is typed in a console block: the lines after ``$``, continued where they end in a backslash."""
    joined = block.code.replace("\\\n", " ")
    return [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]


def script_of(document: Path, blocks: list[Block]) -> str:
    """Return the code of some blocks as one script, whose lines have the numbers that they have in the document."""
    lines = [""] * len(document.read_text(encoding="utf-8").splitlines())
    for block in blocks:
        code = block.code.splitlines()
        lines[block.line - 1 : block.line - 1 + len(code)] = code
    return "\n".join(lines) + "\n"


def mentions_in(document: Path) -> list[str]:
    """Return every command line that starts with ``phigen`` and stands in running text, a table or an indented line."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8")).replace("\\|", "|")
    return re.findall(r"`phigen (\w[^`]*)`", text) + re.findall(r"^    phigen (\w.*)$", text, re.MULTILINE)
