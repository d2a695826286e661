"""What `phigen plan` says that a build costs, beside what it costs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from phigen.recipe.loading import shipped

_PHIGEN = (sys.executable, "-m", "phigen")


class Cost(NamedTuple):
    """Of one build."""

    seconds: float
    processor: float
    memory: float
    """The peak of a process, in MB."""
    megabytes: float
    files: int


def costs(names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Plan shipped recipes, all if none are named, and build each, first with nothing kept, then with kept programs.

    The machine is measured once.  Seconds of the processor are comparable on a busy machine too; the others are not.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in shipped() if names is None else names:
            measured, own = Path(folder) / "cache", Path(folder) / f"cache-{name}"
            environment = os.environ | {"XDG_CACHE_HOME": str(measured)}
            done = subprocess.run([*_PHIGEN, "plan", name, "--json"], env=environment, check=True, capture_output=True)
            facts = json.loads(done.stdout)
            shutil.copytree(measured, own)  # recipes shall not find each other's programs
            environment["XDG_CACHE_HOME"] = str(own)
            for kept in (False, True):
                said, found = _said(facts, kept=kept), _built(name, Path(folder) / f"{name}.zarr", environment)
                row: dict[str, Any] = {"recipe": name, "programs": "kept" if kept else "none"}
                for what, one, other in zip(Cost._fields, said, found, strict=True):
                    row[f"{what}: said, found"] = f"{one:.4g}, {other:.4g}"
                    row[f"{what}, ratio"] = one / other
                rows.append(row)
    return rows


def _said(facts: dict[str, Any], *, kept: bool) -> Cost:
    which = "" if kept else "_if_nothing_is_compiled"
    return Cost(
        facts[f"seconds{which}"],
        facts[f"seconds_of_processors{which}"],
        facts["memory_of_a_process"] / 1e6,
        facts["bytes"] / 1e6,
        facts["files"],
    )


def _built(name: str, path: Path, environment: dict[str, str]) -> Cost:
    """Build a recipe and remove the result; the system adds up what the processes below the command have used."""
    began = time.perf_counter()
    arguments = [*_PHIGEN, "build", name, "--out", str(path), "--json"]
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"phigen build {name} has failed with status {process.returncode}")
    sizes = [file.stat().st_size for file in path.rglob("*") if file.is_file()]
    shutil.rmtree(path)
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, sum(sizes) / 1e6, len(sizes))
