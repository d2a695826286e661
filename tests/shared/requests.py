"""What the fixtures of conftest give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from phigen.planning.runs import Simulation

Scene = Callable[..., Simulation]
"""Makes one plume's simulation, with what a test changes."""


@dataclass(frozen=True)
class Hub:
    """Where a test publishes: a dataset that is not there yet, and a token that may make it."""

    repository: str
    token: str
