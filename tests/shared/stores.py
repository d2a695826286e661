"""Stores that tests begin without a build."""

from __future__ import annotations

from pathlib import Path

from phigen.planning.plans import Plan
from phigen.planning.runs import Run
from phigen.store import construction


def prepared(path: Path, planned: Plan) -> list[Run]:
    """Prepare a store as a build does, and return the runs that it lacks."""
    return construction.prepare(path, planned, known=construction.begun(path, planned))
