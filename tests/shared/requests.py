"""Types of the fixtures in conftest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from phigen.hub.reference import Reference
from phigen.planning.runs import Simulation

Scene = Callable[..., Simulation]
"""Returns the simulation of one plume, with what a test changes."""

RunsPerShard = Callable[[int], None]
"""Sets how many runs a shard of every plan holds."""

PublishOnce = Callable[[Path], Reference]
"""Publishes a store, and returns where and as which version."""


@dataclass(frozen=True)
class Hub:
    """Where a test publishes: a dataset that does not exist yet, and a token that may create it."""

    repository: str
    token: str
