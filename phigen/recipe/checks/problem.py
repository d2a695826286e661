"""A problem of a recipe: where it is, and what is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Place = tuple[str | int, ...]
"""Keys and indices from the top of the recipe down."""


class Problem(NamedTuple):
    """The place of a problem in the recipe, and its text: what is wrong, what was found, what to do."""

    place: Place
    text: str


Problems = Iterator[Problem]


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` if one of the known words is similar, otherwise an empty string."""
    similar = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {similar[0]!r}?" if similar else ""
